"""Features of frozen networks; the weights are random numbers, which is all the same to the arithmetic."""

import numpy as np
import pytest
import torch
from sklearn.preprocessing import StandardScaler
from torchvision import models

from dlstudy.core.base.dataset import load_dataset, save_dataset
from dlstudy.core.base.errors import DataError
from dlstudy.core.base.params import ParamsError
from dlstudy.core.params import SgdParams
from dlstudy.evaluation.scores import evaluate
from dlstudy.sgd.loop import train_seeds
from dlstudy.vision.networks import input_format, network_inputs
from dlstudy.vision.params import FeaturesParams
from dlstudy.vision.pretrained import CHUNK, feature_scale, frozen_features
from tests.stand_in import NAME, random_network

PARAMS = FeaturesParams(weights=NAME, resolution=32, num_images=150)


@pytest.fixture(autouse=True)
def one_process(monkeypatch):
    """Starting others takes longer than the little work there is."""
    monkeypatch.setenv("DLSTUDY_PROCESSES", "1")


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    return random_network().state_dict()


@pytest.fixture(scope="module")
def features(images, state):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLSTUDY_PROCESSES", "1")
        patch.delenv("DLSTUDY_SCHEDULER", raising=False)
        return frozen_features(images, PARAMS, state, label="frozen")


# --- What they are ---


def by_torchvision(image: torch.Tensor, resolution: int) -> torch.Tensor:
    """An image as the weights' own transforms make it of a picture in colours."""
    transforms = models.get_weight(NAME).transforms(crop_size=resolution, resize_size=resolution)
    return transforms(image.expand(3, 28, 28))


def test_features_are_what_goes_into_the_last_layer_after_torchvisions_own_transforms(images, state):
    params = PARAMS.model_copy(update={"resolution": 28})
    found = frozen_features(images, params, state, label="frozen").test.features[:5]
    network, seen = random_network(), []
    network.fc.register_forward_pre_hook(lambda layer, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        for image in images.test.features[:5]:
            network(by_torchvision(image, 28).unsqueeze(0))
    expected = torch.cat(seen)
    assert expected.std() > 0.1
    # one by one here, in batches there: the same up to rounding
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("resolution", [32, 64, 96])
def test_resized_images_are_torchvisions_own_up_to_one_level_of_grey(images, resolution):
    found = network_inputs(images.test.features[:5], input_format(NAME, resolution))
    expected = torch.stack([by_torchvision(image, resolution) for image in images.test.features[:5]])
    level = 1 / 255 / 0.224  # by the least of ImageNet's standard deviations; v2 and the older resize round differently
    assert (found - expected).abs().max() < 1.01 * level
    assert (found - expected).abs().mean() < 0.3 * level  # of rounding to whole levels, 1/4


def test_the_first_training_images_and_all_others_are_used_in_their_order(images, features):
    assert features.num_examples == {"train": 150, "validation": 60, "test": 70}
    assert torch.equal(features.train.targets, images.train.targets[:150])
    assert torch.equal(features.test.targets, images.test.targets)
    assert features.class_names == images.class_names
    assert torch.equal(features.test_images, images.test.features)
    assert features.train.features.dtype == features.dtype == torch.float32
    assert features.num_features == 1024


def test_features_of_test_images_do_not_depend_on_how_many_are_for_training(images, features, state):
    fewer = frozen_features(images, PARAMS.model_copy(update={"num_images": 7}), state, label="fewer")
    assert torch.equal(fewer.test.features, features.test.features)
    # a batch of 7 is computed by other kernels than one of 50: the same up to rounding
    torch.testing.assert_close(fewer.train.features, features.train.features[:7], rtol=1e-3, atol=1e-4)


def test_the_bytes_are_the_same_with_two_processes(images, state, tmp_path, monkeypatch):
    assert CHUNK > 200  # so there are several chunks for two processes, one a split
    for processes in ("1", "2"):
        monkeypatch.setenv("DLSTUDY_PROCESSES", processes)
        save_dataset(tmp_path / processes, frozen_features(images, PARAMS, state, label="frozen"))
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_they_are_stored_with_the_test_images(features, tmp_path):
    save_dataset(tmp_path / "frozen.pt", features)
    found = load_dataset(tmp_path / "frozen.pt")
    assert torch.equal(found.train.features, features.train.features)
    assert torch.equal(found.test_images, features.test_images)
    assert torch.equal(found.feature_scale.std, features.feature_scale.std)


# --- Their scale ---


def test_each_column_is_standardised_as_scikit_learn_does_it_constant_ones_included():
    columns = torch.randn(40, 5, generator=torch.Generator().manual_seed(0))
    columns[:, 1], columns[:, 3] = 0.0, 0.1  # a dead ReLU, and a constant that is no binary fraction
    scale, expected = feature_scale(columns), StandardScaler().fit(columns.double().numpy())
    np.testing.assert_allclose(scale.mean, expected.mean_, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(scale.std, expected.scale_, rtol=1e-12)
    assert scale.std[[1, 3]].tolist() == [1.0, 1.0]


# --- Models on them ---


def test_softmax_regression_on_features_learns_and_is_evaluated_with_its_mistakes_as_images(images, features):
    model = SgdParams(method="sgd", data="frozen", hidden=(), init="zeros", lr=0.02, batch_size=10, num_epochs=10)
    runs = train_seeds(features, model, [0], label="transfer")
    found = evaluate(features, model, {run.seed: run.parameters for run in runs}, num_mistakes=3)
    assert found.metrics["test_accuracy"] > 0.2  # by chance 0.1, with a standard error of 0.036
    assert len(found.predictions) == len(images.test)
    for index, pixels in found.tables["mistakes"][["index", "pixels"]].itertuples(index=False):
        assert bytes.fromhex(pixels) == images.test.features[index].numpy().tobytes()


# --- What cannot be ---


def test_a_network_without_linear_layers_is_refused(images):
    name = "SqueezeNet1_1_Weights.IMAGENET1K_V1"
    state = {key: torch.zeros(value.shape) for key, value in models.squeezenet1_1().state_dict().items()}
    params = PARAMS.model_copy(update={"weights": name})
    with pytest.raises(ParamsError, match=r"^features\.frozen\.weights: SqueezeNet: expected a network whose last"):
        frozen_features(images, params, state, label="frozen")


def test_more_images_than_there_are_for_training_are_refused(images, state):
    params = PARAMS.model_copy(update={"num_images": 201})
    with pytest.raises(ParamsError, match=r"^features\.frozen\.num_images: expected at most 200, .*, found 201$"):
        frozen_features(images, params, state, label="frozen")


@pytest.mark.parametrize(
    ("builder", "name"),
    [("alexnet", "AlexNet_Weights.IMAGENET1K_V1"), ("vit_b_32", "ViT_B_32_Weights.IMAGENET1K_V1")],
)
def test_a_resolution_that_the_network_does_not_take_is_refused(images, builder, name):
    with torch.device("meta"):
        shapes = getattr(models, builder)().state_dict()
    state = {key: torch.zeros(value.shape) for key, value in shapes.items()}
    with pytest.raises(ParamsError, match=rf"^features\.frozen\.resolution: expected .* {name} takes, found 28: .+"):
        frozen_features(images, FeaturesParams(weights=name, resolution=28, num_images=10), state, label="frozen")


def test_features_that_are_no_numbers_are_refused(images, state):
    broken = state | {"conv5.0.weight": torch.full_like(state["conv5.0.weight"], torch.nan)}
    with pytest.raises(DataError, match="frozen: expected finite features of the train split"):
        frozen_features(images, PARAMS, broken, label="frozen")
