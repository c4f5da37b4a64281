"""Where the images are sought, and what is said where none are found."""

import pytest

from dlstudy.download import sources
from dlstudy.download.images import image_hint, image_sources
from dlstudy.download.params import DownloadParams
from tests.image_sets import IMAGE_SETS

PARAMS = DownloadParams(attempts=2, timeout_seconds=60, weights=())


@pytest.mark.parametrize("dataset", IMAGE_SETS)
def test_a_folder_of_the_users_is_asked_before_torchvision(dataset, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(sources, "run_in_child", lambda function, *settings: asked.append((function, *settings)))
    folder, torchvision, *_ = image_sources(IMAGE_SETS[dataset], PARAMS, str(tmp_path / "mine"))
    assert folder.name == f"the local folder {tmp_path}/mine"
    assert image_sources(IMAGE_SETS[dataset], PARAMS, None)[0].name == torchvision.name
    torchvision.fetch(tmp_path, [])
    assert asked == [(sources.fetch_by_torchvision, (dataset, tmp_path, PARAMS.attempts), PARAMS.timeout_seconds)]


@pytest.mark.parametrize("dataset", IMAGE_SETS)
@pytest.mark.parametrize("layout", ["", "raw", "{dataset}/raw"])
def test_the_users_folder_may_be_laid_out_as_torchvision_does(dataset, layout, tmp_path):
    place = tmp_path / "mine" / layout.format(dataset=dataset)
    place.mkdir(parents=True)
    (place / "a-file").write_bytes(b"content")
    image_sources(IMAGE_SETS[dataset], PARAMS, str(tmp_path / "mine"))[0].fetch(tmp_path, ["a-file"])
    assert (tmp_path / "a-file").read_bytes() == b"content"


def test_only_of_fashion_mnist_a_debian_package_is_known():
    last = {dataset: image_sources(each, PARAMS, None)[-1].name for dataset, each in IMAGE_SETS.items()}
    assert last["FashionMNIST"] == "the Debian package dataset-fashion-mnist"
    assert last["MNIST"] == "torchvision's downloader (MNIST)"
    assert last["KMNIST"] == "torchvision's downloader (KMNIST)"


@pytest.mark.parametrize("dataset", IMAGE_SETS)
def test_the_hint_names_every_way_out(dataset):
    hint = image_hint(IMAGE_SETS[dataset])
    assert IMAGE_SETS[dataset].variable in hint
    assert f"{dataset}/raw" in hint
    assert ("apt-get install" in hint) == (dataset == "FashionMNIST")
