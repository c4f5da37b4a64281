import hashlib

import pytest
from torchvision import models

from dlstudy.core.base.published import PublishedWeights, WeightsError, published_weights, verify

RESNET = PublishedWeights("A_Weights.V1", "a", "https://example.org/models/a-f37072fd.pth")


def test_weights_are_those_that_torchvision_publishes():
    found = published_weights("ResNet18_Weights.IMAGENET1K_V1")
    assert found.builder == "resnet18"
    assert found.url == models.ResNet18_Weights.IMAGENET1K_V1.url
    assert (found.file_name, found.checksum) == ("resnet18-f37072fd.pth", "f37072fd")


def test_the_weights_of_every_image_classifier_are_known_and_have_a_checksum():
    names = [
        f"{type(entry).__name__}.{entry.name}"
        for builder in models.list_models(module=models)
        for entry in models.get_model_weights(builder)
    ]
    assert len(names) > 100
    found = [published_weights(name) for name in names]
    assert all(len(weights.checksum) >= 8 for weights in found)  # a chance of 1 in 4 thousand million
    assert [models.get_weight(name).url for name in names] == [weights.url for weights in found]


@pytest.mark.parametrize(
    "name", ["ResNet18_Weights.IMAGENET1K_V7", "ResNet18_Weights.DEFAULT", "Resnet18_Weights.IMAGENET1K_V1"]
)
def test_an_unknown_name_is_told_with_names_like_it(name):
    with pytest.raises(WeightsError, match=rf"^{name}: expected .*ResNet18_Weights\.IMAGENET1K_V1.*found no such name"):
        published_weights(name)


def test_a_name_like_no_other_is_told_too():
    with pytest.raises(WeightsError, match=r"expected .* \(none like it\), found no such name"):
        published_weights("Q_Weights.X")


def test_a_file_is_what_its_published_name_says(tmp_path):
    (tmp_path / "x").write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    verify(tmp_path / "x", PublishedWeights("A_Weights.V1", "a", f"https://example.org/a-{digest[:8]}.pth"))
    with pytest.raises(WeightsError) as caught:
        verify(tmp_path / "x", RESNET)
    assert str(caught.value) == f"{tmp_path / 'x'}: expected SHA-256 f37072fd... (a-f37072fd.pth), found {digest}"


def test_a_missing_file_is_reported(tmp_path):
    with pytest.raises(WeightsError, match=r"expected the file a-f37072fd.pth, found none"):
        verify(tmp_path / "x", RESNET)


def test_a_name_without_a_checksum_is_refused():
    with pytest.raises(WeightsError, match=r"expected a file name that ends in a checksum, found a\.pth"):
        _ = PublishedWeights("A_Weights.V1", "a", "https://example.org/a.pth").checksum
