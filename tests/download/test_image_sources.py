"""Where the images are sought, and what is said where none are found."""

from pathlib import Path

import pytest

from dlstudy.download.image_sources import image_hint, image_sources
from dlstudy.download.params import DownloadParams
from dlstudy.download.sources import LocalFolder, Torchvision
from tests.image_sets import IMAGE_SETS

PARAMS = DownloadParams(attempts=2, timeout_seconds=60, weights=())


@pytest.mark.parametrize("dataset", IMAGE_SETS)
def test_a_folder_of_the_users_is_asked_before_torchvision(dataset):
    folder, torchvision, *_ = image_sources(IMAGE_SETS[dataset], PARAMS, "/mine")
    assert folder == LocalFolder(Path("/mine"), ("raw", f"{dataset}/raw"))
    assert torchvision == Torchvision(dataset, 2, 60)
    assert image_sources(IMAGE_SETS[dataset], PARAMS, None)[0] == torchvision


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
