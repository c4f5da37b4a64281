"""One's own images, from a folder to a prepared data set, and everything that can be wrong with one."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from dlstudy.core.base.errors import DataError
from dlstudy.core.base.params import ParamsError
from dlstudy.data.image_folders import ImageFile, drawn_test, num_drawn, num_train_images, read_folder, read_image
from dlstudy.data.image_sets import load_image_set
from dlstudy.data.images import facts, interleaved, prepare
from dlstudy.data.params import ImagesParams
from dlstudy.download.images import fill_from_folder

COUNTS = {"cat": 9, "dog": 6, "fish and chips": 5}  # 20 images
SIZES = ((40, 30), (28, 28), (7, 90))
MODES = ("RGB", "L", "RGBA", "P")
PARAMS = ImagesParams(dataset="pets", train_size=9, validation_size=5, seed=3)


def write_image(path, seed, size=(40, 30), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    width, height = size
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).convert(mode).save(path)


def write_class(folder, counts=COUNTS, first=0):
    """Images by chance, of several sizes, colours and formats, no two alike."""
    seed = first
    for name, num in counts.items():
        for number in range(num):
            mode = MODES[seed % len(MODES)]
            ending = ".JPG" if mode == "RGB" else ".png"
            write_image(folder / name / f"{number:02}{ending}", seed, SIZES[seed % len(SIZES)], mode)
            seed += 1


@pytest.fixture
def datasets(tmp_path):
    """datasets/pets without a folder test/."""
    write_class(tmp_path / "datasets/pets/train")
    describe(tmp_path / "datasets")
    return tmp_path / "datasets"


def describe(datasets, *lines):
    text = "\n".join(["kind: folder", "name: My pets", *lines])
    (datasets / "pets/dataset.yaml").write_text(text + "\n", encoding="utf-8")


def prepared(datasets, params=PARAMS):
    """The folder of raw files, and the data set and the facts that prepare makes of them."""
    image_set, raw = load_image_set("pets", datasets), datasets.parent / "raw"
    fill_from_folder(image_set, image_set.folder(datasets), raw)
    dataset = prepare(raw, params, image_set)
    return raw, dataset, facts(raw, dataset, image_set)


def problems(datasets):
    image_set = load_image_set("pets", datasets)
    with pytest.raises(DataError) as caught:
        read_folder(image_set, image_set.folder(datasets))
    first, *lines = str(caught.value).split("\n  ")
    assert first == f"{image_set.folder(datasets)}: {len(lines)} problem{'s' if len(lines) > 1 else ''}"
    return lines


# --- From a folder to a data set ---


def test_a_folder_without_test_becomes_a_data_set_with_a_stratified_test_split(datasets):
    raw, dataset, sheet = prepared(datasets)
    assert dataset.class_names == ("cat", "dog", "fish and chips")
    # a fifth of 9, 6 and 5, rounded, is drawn for the test; of 7, 5 and 4 left, nine are for training
    assert torch.bincount(dataset.test.targets).tolist() == [2, 1, 1]
    assert dataset.num_examples == {"train": 9, "validation": 5, "test": 4}
    assert dataset.train.features.shape == (9, 28, 28)
    assert dataset.train.features.dtype == torch.uint8
    assert sheet["num_images"] == {"train": 16, "t10k": 4}
    assert sheet["folder"]["test"] == {"fraction": 0.2, "seed": 0}
    assert (sheet["folder"]["smallest"], sheet["folder"]["largest"]) == ([7, 90], [40, 30])
    assert sorted(path.name for path in raw.iterdir()) == [
        "about.json",
        "files.csv",
        *(f"{part}-{kind}-ubyte" for part in ("t10k", "train") for kind in ("images-idx3", "labels-idx1")),
    ]


def test_a_folder_with_test_keeps_its_test_images(datasets):
    write_class(datasets / "pets/test", {"cat": 1, "dog": 2, "fish and chips": 1}, first=100)
    _, dataset, sheet = prepared(datasets)
    assert torch.bincount(dataset.test.targets).tolist() == [1, 2, 1]
    assert sheet["num_images"] == {"train": 20, "t10k": 4}
    assert sheet["folder"]["test"] == {}
    image_set = load_image_set("pets", datasets)
    of_test = read_folder(image_set, image_set.folder(datasets)).test
    assert dataset.test.features.tolist() == [image.pixels.tolist() for image in of_test]


def test_the_same_images_make_the_same_bytes_wherever_the_folder_is(datasets, tmp_path):
    raw, *_ = prepared(datasets)
    first = {path.name: path.read_bytes() for path in raw.iterdir()}
    (tmp_path / "elsewhere").mkdir()
    (datasets / "pets/train").rename(tmp_path / "elsewhere/train")
    describe(datasets, f"path: {tmp_path / 'elsewhere'}")
    raw, *_ = prepared(datasets)
    assert {path.name: path.read_bytes() for path in raw.iterdir()} == first


def test_a_relative_path_starts_at_the_folder_of_the_yaml(datasets, tmp_path):
    (datasets / "pets/train").rename(tmp_path / "train")
    describe(datasets, "path: ../..")
    assert num_train_images(load_image_set("pets", datasets), load_image_set("pets", datasets).folder(datasets)) == 16


def test_each_row_is_the_file_that_the_list_names(datasets):
    raw, *_ = prepared(datasets)
    rows = [line.split(",") for line in (raw / "files.csv").read_text().splitlines()[1:]]
    pixels = np.frombuffer((raw / "train-images-idx3-ubyte").read_bytes()[16:], np.uint8).reshape(-1, 28, 28)
    labels = (raw / "train-labels-idx1-ubyte").read_bytes()[8:]
    names = json.loads((raw / "about.json").read_text())["class_names"]
    of_train = [row for row in rows if row[0] == "train"]
    assert len(of_train) == len(pixels) == len(labels) == 16
    for row, image, label in zip(of_train, pixels, labels, strict=True):
        file = ImageFile("train", row[1], datasets / "pets" / row[2])
        assert names[label] == row[1]
        np.testing.assert_array_equal(read_image(file).pixels, image)


def test_another_seed_draws_other_test_images(datasets):
    image_set = load_image_set("pets", datasets)
    images = read_folder(image_set, image_set.folder(datasets))
    everything = sorted([*images.train, *images.test], key=lambda image: image.file.path)
    draws = {tuple(image.file.path for image in drawn_test(everything, 0.2, seed)[1]) for seed in range(5)}
    assert len(draws) > 1
    for seed in range(5):
        rest, test = drawn_test(everything, 0.2, seed)
        assert {image.file.path for image in rest}.isdisjoint(image.file.path for image in test)
        assert len(rest) + len(test) == 20


@pytest.mark.parametrize(("num", "fraction", "drawn"), [(2, 0.01, 1), (2, 0.99, 1), (10, 0.2, 2), (3, 0.5, 2)])
def test_of_each_class_some_images_are_drawn_and_some_left(num, fraction, drawn):
    assert num_drawn(num, fraction) == drawn


def test_any_beginning_has_of_each_class_its_share():
    classes = torch.tensor([0] * 60 + [1] * 30 + [2] * 10)
    order = interleaved(torch.randperm(100, generator=torch.Generator().manual_seed(0)), classes)
    assert sorted(order.tolist()) == list(range(100))
    for num in range(1, 101):
        counts = torch.bincount(classes[order[:num]], minlength=3)
        # each class is rounded to the nearest image at a common level, so all are within one and a half of it
        assert (counts - num * torch.tensor([0.6, 0.3, 0.1])).abs().max() <= 1.5


def test_a_training_split_without_a_class_is_refused(datasets):
    with pytest.raises(DataError, match=r"train_size: .* none of fish and chips among 2; raise train_size"):
        prepared(datasets, PARAMS.model_copy(update={"train_size": 2}))


# --- Images ---


def pixels_of(path):
    return read_image(ImageFile("train", "a", path)).pixels


def test_a_grey_image_of_28_by_28_pixels_stays_as_it_is(tmp_path):
    values = np.arange(784, dtype=np.uint16).reshape(28, 28) % 256
    Image.fromarray(values.astype(np.uint8)).save(tmp_path / "a.png")
    np.testing.assert_array_equal(pixels_of(tmp_path / "a.png"), values)


def test_colours_become_their_luma_and_a_plain_image_of_any_size_stays_plain(tmp_path):
    Image.new("RGB", (300, 11), (200, 100, 50)).save(tmp_path / "a.png")
    # ITU-R 601: 0.299 R + 0.587 G + 0.114 B = 124.2
    assert np.unique(pixels_of(tmp_path / "a.png")).tolist() == [124]


def test_what_is_transparent_is_white(tmp_path):
    Image.new("RGBA", (30, 30), (0, 0, 0, 0)).save(tmp_path / "a.png")
    assert np.unique(pixels_of(tmp_path / "a.png")).tolist() == [255]


def test_of_sixteen_bits_the_upper_eight_are_kept(tmp_path):
    Image.fromarray(np.full((30, 30), 0x8123, dtype=np.uint16)).save(tmp_path / "a.png")
    assert np.unique(pixels_of(tmp_path / "a.png")).tolist() == [0x81]


def test_a_photograph_is_turned_as_its_camera_says(tmp_path):
    values = np.zeros((28, 28), dtype=np.uint8)
    values[:14] = 255  # bright above
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    Image.fromarray(values).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(pixels_of(tmp_path / "a.png"), values[::-1])


# --- Faults ---


def test_a_file_that_is_no_image_is_named(datasets):
    (datasets / "pets/train/dog/notes.png").write_text("no image")
    (line,) = problems(datasets)
    path = datasets / "pets/train/dog/notes.png"
    assert line == f"{path}: expected a whole PNG or JPEG image, found other content; replace or remove it"


def test_a_truncated_image_is_named(datasets):
    path = datasets / "pets/train/dog/cut.png"
    write_image(path, 77, (200, 200))
    path.write_bytes(path.read_bytes()[:5000])
    (line,) = problems(datasets)
    assert line.startswith(f"{path}: expected a whole PNG or JPEG image, found ")


def test_a_file_with_another_ending_is_named(datasets):
    (datasets / "pets/train/dog/notes.txt").write_text("notes")
    (line,) = problems(datasets)
    assert "notes.txt: expected an image that ends in .png, .jpg, .jpeg, found the ending '.txt'" in line


def test_what_is_hidden_is_none_of_ours(datasets):
    (datasets / "pets/train/dog/.DS_Store").write_text("?")
    image_set = load_image_set("pets", datasets)
    assert len(read_folder(image_set, image_set.folder(datasets)).train) == 16


def test_files_and_folders_in_the_wrong_place_are_named(datasets):
    write_image(datasets / "pets/train/stray.png", 88)
    write_image(datasets / "pets/train/dog/puppies/a.png", 89)
    stray, nested = problems(datasets)[::-1]
    assert "stray.png: expected a folder of a class, found a file; move it into one" in stray
    assert "puppies: expected an image that ends in .png, .jpg, .jpeg, found a folder" in nested


def test_an_empty_class_is_named(datasets):
    (datasets / "pets/train/bird").mkdir()
    assert problems(datasets) == [
        f"{datasets / 'pets/train/bird'}: expected images, found an empty folder; fill or remove it"
    ]


def test_a_single_class_is_named(tmp_path):
    write_class(tmp_path / "pets/train", {"cat": 4})
    describe(tmp_path)
    (line,) = problems(tmp_path)
    assert line.endswith(
        "train: expected at least 2 classes with images, found only cat; add a folder of another class"
    )


def test_no_class_at_all_is_named(tmp_path):
    (tmp_path / "pets").mkdir(parents=True)
    describe(tmp_path)
    (line,) = problems(tmp_path)
    assert "train: expected a folder with a folder of images for each class, found none; make train/CLASS/" in line


def test_a_class_of_one_image_is_named(datasets):
    write_image(datasets / "pets/train/bird/a.png", 99)
    (line,) = problems(datasets)
    assert line.endswith("train/bird: expected at least 2 images, found 1; add images or remove the class")


def test_classes_in_one_part_only_are_named(datasets):
    write_class(datasets / "pets/test", {"cat": 1, "dog": 1, "bird": 1}, first=100)
    of_train, of_test = problems(datasets)
    assert "test/fish and chips: expected images of each class of train, found none; add some, or remove" in of_train
    assert "test/bird: expected a class that train has too, found none there; add images to train" in of_test


@pytest.mark.parametrize("name", ["7", "1e3", "NA", "True", " cat", "a|b"])
def test_a_class_name_that_tables_would_change_is_named(datasets, name):
    write_class(datasets / "pets/train", {name: 2}, first=200)
    (line,) = problems(datasets)
    assert line.startswith(f"{datasets / 'pets/train' / name}: expected a name ")
    assert f"found {name!r}; rename it" in line


def test_an_image_in_train_and_test_is_named_whatever_its_name_and_compression(datasets):
    write_class(datasets / "pets/test", {"cat": 1, "dog": 1, "fish and chips": 1}, first=100)
    copied = datasets / "pets/train/cat/01.png"
    Image.open(copied).save(datasets / "pets/test/dog/another name.png", compress_level=0)
    (line,) = problems(datasets)
    assert line == (
        f"{datasets / 'pets/test/dog/another name.png'}: expected each image once in train and test, found the image "
        f"{copied} again; remove one of them"
    )


def test_an_image_twice_in_train_is_named_where_the_test_is_drawn_from_it(datasets):
    Image.open(datasets / "pets/train/cat/01.png").save(datasets / "pets/train/dog/again.png")
    (line,) = problems(datasets)
    assert "again.png: expected each image once in train, of which the test images are drawn, found the image" in line


def test_all_that_is_wrong_is_told_at_once_and_nothing_is_written(datasets, tmp_path):
    (datasets / "pets/train/dog/notes.png").write_text("no image")
    (datasets / "pets/train/bird").mkdir()
    write_image(datasets / "pets/train/cow/a.png", 99)
    Image.open(datasets / "pets/train/cat/01.png").save(datasets / "pets/train/cat/again.png")
    assert len(problems(datasets)) == 4
    image_set = load_image_set("pets", datasets)
    with pytest.raises(DataError, match="4 problems"):
        fill_from_folder(image_set, image_set.folder(datasets), tmp_path / "raw")
    assert not (tmp_path / "raw").exists()
    with pytest.raises(DataError, match="4 problems"):  # by the check of parameters too
        num_train_images(image_set, image_set.folder(datasets))


# --- dataset.yaml ---


def test_all_faults_of_the_yaml_are_told_at_once(datasets):
    describe(datasets, "test_fraction: 1.5", "seed: -1", "pathh: x")
    with pytest.raises(ParamsError) as caught:
        load_image_set("pets", datasets)
    told = str(caught.value)
    assert told.startswith(f"{datasets / 'pets/dataset.yaml'}: 3 problems\n")
    assert "test_fraction: expected less than 1, found 1.5" in told
    assert "seed: expected greater than or equal to 0, found -1" in told
    assert "pathh: expected no such key (did you mean path?), found 'x'" in told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: x", "kind: expected a value, found none"),
        ("kind: zip\nname: x", "kind: expected 'idx', 'folder', found 'zip'"),
        ("kind: folder", "name: expected a value, found none"),
        ("kind: idx\nname: x\nclass_names: [a, a]", "class_names: expected each class name once, found ['a', 'a']"),
    ],
)
def test_a_fault_of_the_yaml_is_reported(datasets, text, told):
    (datasets / "pets/dataset.yaml").write_text(text)
    with pytest.raises(ParamsError) as caught:
        load_image_set("pets", datasets)
    assert told in str(caught.value)


@pytest.mark.parametrize("name", ["birds", "", "..", "../pets"])
def test_a_set_that_is_not_there_is_refused_with_those_that_are(datasets, name):
    with pytest.raises(ParamsError, match=r"expected pets, which have a dataset\.yaml in "):
        load_image_set(name, datasets)
