"""The set of images that params.yaml names: 28 x 28 grey pixels, in the files of MNIST's format whatever its kind."""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dlstudy.core.base.dataset import Dataset, Scale, Split
from dlstudy.core.base.errors import DataError
from dlstudy.core.base.randomness import generator
from dlstudy.data.image_sets import SIDE, FolderSet, ImageSet, read_idx
from dlstudy.data.params import ImagesParams


def read_images(folder: Path, part: str, num_classes: int) -> Split:
    """Part "train" or "t10k" of the raw files: uint8 images (images, 28, 28) and int64 classes (images,)."""
    images_file, labels_file = folder / f"{part}-images-idx3-ubyte", folder / f"{part}-labels-idx1-ubyte"
    images, labels = torch.from_numpy(read_idx(images_file)), torch.from_numpy(read_idx(labels_file)).long()
    if images.ndim != 3 or images.shape[1:] != (SIDE, SIDE):
        raise DataError(f"{images_file}: expected images of {SIDE} x {SIDE}, found shape {tuple(images.shape)}")
    if len(images) != len(labels):
        raise DataError(f"{labels_file}: expected {len(images)} labels, one an image, found {len(labels)}")
    if len(labels) == 0:
        raise DataError(f"{labels_file}: expected labels, found none")
    if labels.max() >= num_classes:
        raise DataError(f"{labels_file}: expected labels 0 to {num_classes - 1}, found {labels.max()}")
    return Split(images, labels)


def _about(folder: Path) -> dict[str, Any]:
    """What the download has found out about a folder set, and written beside its files."""
    content: dict[str, Any] = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    return content


def prepare(folder: Path, params: ImagesParams, image_set: ImageSet) -> Dataset:
    """The raw files as a data set: training images shuffled by the seed, then divided; test images as they come.

    The classes of a folder set are those that the download found; and as it may be small, training and validation
    split get the same share of each.
    """
    names = tuple(_about(folder)["class_names"]) if isinstance(image_set, FolderSet) else image_set.class_names
    pool, test = (read_images(folder, part, len(names)) for part in ("train", "t10k"))
    wanted = params.train_size + params.validation_size
    if wanted > len(pool):
        expected = f"train_size + validation_size <= {len(pool)}, the images in {folder}"
        raise DataError(f"prepare.images: expected {expected}, found {wanted}")
    order = torch.randperm(len(pool), generator=generator(params.seed, "split"))
    if isinstance(image_set, FolderSet):
        order = interleaved(order, pool.targets)
    chosen = order[: params.train_size], order[params.train_size : wanted]
    train, validation = (Split(pool.features[rows], pool.targets[rows]) for rows in chosen)
    counts = torch.bincount(train.targets, minlength=len(names)).tolist()
    absent = [name for name, count in zip(names, counts, strict=True) if not count]
    if absent and isinstance(image_set, FolderSet):
        raise DataError(
            f"prepare.images.train_size: expected a training split with images of each class, found none of "
            f"{', '.join(absent)} among {params.train_size}; raise train_size"
        )
    return Dataset(
        task="classification",
        train=train,
        validation=validation,
        test=test,
        feature_scale=Scale.of_pixels(train.features),
        target_scale=None,
        feature_names=("pixel",),
        target_name="class",
        class_names=names,
    )


def interleaved(order: Tensor, classes: Tensor) -> Tensor:
    """The same rows, so that any number of them from the start has of each class about its share of the whole.

    The k-th of n rows of a class, in `order`, gets the place (k - 1/2) / n.
    """
    places = torch.empty(len(order), dtype=torch.float64)
    for each in classes.unique():
        own = (classes[order] == each).nonzero().squeeze(1)
        places[own] = (torch.arange(len(own), dtype=torch.float64) + 0.5) / len(own)
    return order[places.argsort(stable=True)]


def facts(folder: Path, dataset: Dataset, image_set: ImageSet) -> dict[str, object]:
    """What the data sheet says: which images, sizes, images of each class by split, the scale of the pixels."""
    num_classes = len(dataset.class_names)
    found: dict[str, object] = {
        "dataset": image_set.dataset,
        "name": image_set.name,
        "num_images": {part: len(read_images(folder, part, num_classes)) for part in ("train", "t10k")},
        "num_examples": dataset.num_examples,
        "num_examples_by_class": {
            name: torch.bincount(split.targets, minlength=num_classes).tolist()
            for name, split in dataset.splits.items()
        },
        "class_names": list(dataset.class_names),
        "pixel_mean": dataset.feature_scale.mean.item(),
        "pixel_std": dataset.feature_scale.std.item(),
    }
    if isinstance(image_set, FolderSet):
        found["folder"] = {name: value for name, value in _about(folder).items() if name != "class_names"}
    return found
