"""The registry of image data sets, held against torchvision and the files that go with each entry."""

import io
import re
from pathlib import Path

import pandas as pd
import pytest
from torchvision import datasets

from dlstudy.core.base.published import read_checksums
from tests.image_sets import IMAGE_SETS

ROOT = Path(__file__).resolve().parents[2]
ALL = pytest.mark.parametrize("image_set", IMAGE_SETS.values(), ids=lambda each: each.dataset)
FILES = {f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")}


def test_the_sets_of_the_checkout_are_those_with_a_dataset_yaml():
    assert list(IMAGE_SETS) == ["FashionMNIST", "KMNIST", "MNIST"]


@ALL
def test_sizes_and_downloader_are_those_of_the_family(image_set):
    assert (image_set.num_train, image_set.num_test, image_set.torchvision) == (60_000, 10_000, image_set.dataset)


@ALL
def test_classes_are_those_of_torchvision_in_its_order(image_set):
    of_torchvision = [name.split(" - ")[-1] for name in getattr(datasets, image_set.dataset).classes]  # "0 - zero"
    assert list(image_set.class_names) == of_torchvision


@ALL
def test_checksums_are_of_the_files_that_torchvision_downloads(image_set):
    listed = read_checksums(ROOT / "datasets" / image_set.dataset / "SHA256SUMS")
    assert {name.removesuffix(".gz") for name in listed} == FILES
    assert {file for file, _ in getattr(datasets, image_set.dataset).resources} == {f"{name}.gz" for name in FILES}


@ALL
def test_a_page_tells_how_to_get_it(image_set):
    text = (ROOT / image_set.page).read_text(encoding="utf-8")
    assert text.startswith(f"# {image_set.name}\n")
    assert f"prepare.images.dataset: {image_set.dataset}" in text
    assert f"`{image_set.variable}`" in text


@ALL
def test_class_names_come_back_from_a_table_as_they_were_written(image_set):
    text = pd.DataFrame({"class": image_set.class_names}).to_csv(index=False)
    assert list(pd.read_csv(io.StringIO(text))["class"]) == list(image_set.class_names)  # no number, no missing value


def test_variables_are_those_of_the_documents():
    assert [each.variable for each in IMAGE_SETS.values()] == [
        "DLSTUDY_FASHION_MNIST",
        "DLSTUDY_KMNIST",
        "DLSTUDY_MNIST",
    ]
    for document in ("docs/running.md", "docs/experiments.md", "docs/experiments.zh.md"):
        named = re.findall(r"DLSTUDY_\w*MNIST", (ROOT / document).read_text(encoding="utf-8"))
        assert set(named) == {each.variable for each in IMAGE_SETS.values()}
