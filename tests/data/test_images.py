import struct

import numpy as np
import pytest
import torch

from dlstudy.core.base.errors import DataError
from dlstudy.data.images import facts, prepare, read_images
from dlstudy.data.params import ImagesParams
from tests.image_sets import IMAGE_SETS

PARAMS = ImagesParams(dataset="FashionMNIST", train_size=50, validation_size=20, seed=5)
FASHION = IMAGE_SETS["FashionMNIST"]


def write_part(folder, part, images, labels):
    """IDX files, written by hand: magic number, sizes, bytes."""
    folder.mkdir(exist_ok=True)
    header = struct.pack(f">4B{images.ndim}I", 0, 0, 8, images.ndim, *images.shape)
    (folder / f"{part}-images-idx3-ubyte").write_bytes(header + images.astype(np.uint8).tobytes())
    header = struct.pack(">4BI", 0, 0, 8, 1, len(labels))
    (folder / f"{part}-labels-idx1-ubyte").write_bytes(header + bytes(labels))


def numbered_images(num_images, offset=0):
    """Images whose first pixel is their number, on a ground of another shade each."""
    numbers = np.arange(num_images) + offset
    images = np.repeat(numbers * 7 % 256, 28 * 28).reshape(num_images, 28, 28)
    images[:, 0, 0] = numbers
    return images


@pytest.fixture
def raw(tmp_path):
    """100 training images, numbered from 0, and 30 test images from 200; the class is the last digit."""
    write_part(tmp_path / "raw", "train", numbered_images(100), [number % 10 for number in range(100)])
    write_part(tmp_path / "raw", "t10k", numbered_images(30, offset=200), [number % 10 for number in range(30)])
    return tmp_path / "raw"


def numbers(split) -> list[int]:
    return split.features[:, 0, 0].tolist()


# --- Splits ---


def test_splits_have_the_asked_sizes_and_share_no_image(raw):
    dataset = prepare(raw, PARAMS, FASHION)
    assert dataset.num_examples == {"train": 50, "validation": 20, "test": 30}
    assert len({*numbers(dataset.train), *numbers(dataset.validation)}) == 70


def test_all_images_may_be_used(raw):
    dataset = prepare(raw, PARAMS.model_copy(update={"train_size": 80, "validation_size": 20}), FASHION)
    assert sorted(numbers(dataset.train) + numbers(dataset.validation)) == list(range(100))


def test_labels_stay_with_their_images(raw):
    for split in prepare(raw, PARAMS, FASHION).splits.values():
        assert [number % 10 for number in numbers(split)] == split.targets.tolist()
        assert split.features.dtype == torch.uint8
        assert split.targets.dtype == torch.int64


def test_test_images_stay_as_they_come_whatever_the_seed(raw):
    for seed in (0, 1):
        assert numbers(prepare(raw, PARAMS.model_copy(update={"seed": seed}), FASHION).test) == list(range(200, 230))


def test_a_seed_repeats_and_another_differs(raw):
    first, again, other = (prepare(raw, PARAMS.model_copy(update={"seed": seed}), FASHION) for seed in (5, 5, 6))
    assert numbers(first.train) == numbers(again.train) != numbers(other.train)
    assert numbers(first.validation) == numbers(again.validation)
    assert numbers(first.train) != sorted(numbers(first.train))


def test_statistics_come_from_the_training_images_alone(raw, tmp_path):
    dataset, images = prepare(raw, PARAMS, FASHION), numbered_images(100)
    elsewhere = [number for number in range(100) if number not in numbers(dataset.train)]
    images[elsewhere] = 255
    write_part(tmp_path / "changed", "train", images, [0] * 100)
    write_part(tmp_path / "changed", "t10k", np.zeros((30, 28, 28)), [0] * 30)
    found = prepare(tmp_path / "changed", PARAMS, FASHION)
    assert found.validation.features.unique().tolist() == [255]
    assert torch.equal(found.feature_scale.mean, dataset.feature_scale.mean)
    assert torch.equal(found.feature_scale.std, dataset.feature_scale.std)
    of_training = numbered_images(100)[numbers(dataset.train)]
    assert found.feature_scale.mean.item() == pytest.approx(of_training.mean(), rel=1e-12)
    assert found.feature_scale.std.item() == pytest.approx(of_training.std(), rel=1e-12)


@pytest.mark.parametrize("name", IMAGE_SETS)
def test_it_is_a_classification_into_the_ten_classes_of_the_images_that_are_named(raw, name):
    dataset = prepare(raw, PARAMS.model_copy(update={"dataset": name}), IMAGE_SETS[name])
    assert (dataset.task, dataset.num_features, dataset.num_outputs) == ("classification", 784, 10)
    assert dataset.class_names == IMAGE_SETS[name].class_names
    assert dataset.target_scale is None


# --- Faults ---


@pytest.mark.parametrize(
    ("images", "labels", "told"),
    [
        (np.zeros((3, 28, 27)), [0, 1, 2], r"train-images-idx3-ubyte: .*28 x 28, found shape \(3, 28, 27\)$"),
        (np.zeros((3, 28, 28)), [0, 1], "train-labels-idx1-ubyte: expected 3 labels, one an image, found 2$"),
        (np.zeros((3, 28, 28)), [0, 10, 2], "train-labels-idx1-ubyte: expected labels 0 to 9, found 10$"),
    ],
)
def test_a_wrong_file_is_named(tmp_path, images, labels, told):
    write_part(tmp_path / "raw", "train", images, labels)
    with pytest.raises(DataError, match=told):
        read_images(tmp_path / "raw", "train", 10)


def test_labels_in_the_place_of_images_are_refused(raw):
    (raw / "train-images-idx3-ubyte").write_bytes((raw / "train-labels-idx1-ubyte").read_bytes())
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte: expected .* 28 x 28, found shape \(100,\)$"):
        read_images(raw, "train", 10)


def test_more_images_than_there_are_cannot_be_divided(raw):
    with pytest.raises(DataError, match=r"train_size \+ validation_size <= 100, .*, found 101$"):
        prepare(raw, PARAMS.model_copy(update={"validation_size": 51}), FASHION)


# --- The data sheet ---


def test_facts_count_the_images_of_each_class_by_split(raw):
    params = PARAMS.model_copy(update={"train_size": 80, "validation_size": 20})
    sheet = facts(raw, prepare(raw, params, FASHION), FASHION)
    by_class = sheet["num_examples_by_class"]
    assert by_class["test"] == [3] * 10
    pairs = zip(by_class["train"], by_class["validation"], strict=True)
    assert [train + validation for train, validation in pairs] == [10] * 10
    assert sheet["num_images"] == {"train": 100, "t10k": 30}
    assert sheet["num_examples"] == {"train": 80, "validation": 20, "test": 30}
    assert len(sheet["class_names"]) == 10
    assert 0 < sheet["pixel_std"] < sheet["pixel_mean"] < 255


@pytest.mark.parametrize(
    ("dataset", "name", "first", "last"),
    [
        ("FashionMNIST", "Fashion-MNIST", "T-shirt/top", "Ankle boot"),
        ("MNIST", "MNIST", "zero", "nine"),
        ("KMNIST", "KMNIST", "o", "wo"),
    ],
)
def test_facts_say_which_images_they_are_about(raw, dataset, name, first, last):
    params = PARAMS.model_copy(update={"dataset": dataset})
    sheet = facts(raw, prepare(raw, params, IMAGE_SETS[dataset]), IMAGE_SETS[dataset])
    assert (sheet["dataset"], sheet["name"]) == (dataset, name)
    assert (sheet["class_names"][0], sheet["class_names"][-1]) == (first, last)
