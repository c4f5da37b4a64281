"""The data set of images that params.yaml names: 28 x 28 grey pixels, ten classes, 60,000 and 10,000 for the test."""

from pathlib import Path
from typing import Final

import torch

from dlstudy.core.dataset import Dataset, Scale, Split
from dlstudy.core.errors import DataError
from dlstudy.data.idx import read_idx
from dlstudy.data.params import ImagesParams
from dlstudy.data.image_sets import IMAGE_SETS
from dlstudy.core.randomness import generator

NUM_CLASSES: Final = 10


def read_images(folder: Path, part: str) -> Split:
    """Part "train" or "t10k" of the raw files: uint8 images (images, 28, 28) and int64 classes (images,)."""
    images_file, labels_file = folder / f"{part}-images-idx3-ubyte", folder / f"{part}-labels-idx1-ubyte"
    images, labels = torch.from_numpy(read_idx(images_file)), torch.from_numpy(read_idx(labels_file)).long()
    if images.ndim != 3 or images.shape[1:] != (28, 28):
        raise DataError(f"{images_file}: expected images of 28 x 28, found shape {tuple(images.shape)}")
    if len(images) != len(labels):
        raise DataError(f"{labels_file}: expected {len(images)} labels, one an image, found {len(labels)}")
    if len(labels) == 0:
        raise DataError(f"{labels_file}: expected labels, found none")
    if labels.max() >= NUM_CLASSES:
        raise DataError(f"{labels_file}: expected labels 0 to {NUM_CLASSES - 1}, found {labels.max()}")
    return Split(images, labels)


def prepare(folder: Path, params: ImagesParams) -> Dataset:
    """The raw files as a data set: training images shuffled by the seed, then divided; test images as they come."""
    pool, test = read_images(folder, "train"), read_images(folder, "t10k")
    wanted = params.train_size + params.validation_size
    if wanted > len(pool):
        raise DataError(
            f"prepare.images: expected train_size + validation_size <= {len(pool)}, the images in {folder}, "
            f"found {wanted}"
        )
    order = torch.randperm(len(pool), generator=generator(params.seed, "split"))
    chosen = order[: params.train_size], order[params.train_size : wanted]
    train, validation = (Split(pool.features[rows], pool.targets[rows]) for rows in chosen)
    return Dataset(
        task="classification",
        train=train,
        validation=validation,
        test=test,
        feature_scale=Scale.of_pixels(train.features),
        target_scale=None,
        feature_names=("pixel",),
        target_name="class",
        class_names=IMAGE_SETS[params.dataset].class_names,
    )


def facts(folder: Path, dataset: Dataset, params: ImagesParams) -> dict[str, object]:
    """What the data sheet says: which images, sizes, images of each class by split, the scale of the pixels."""
    return {
        "dataset": params.dataset,
        "name": IMAGE_SETS[params.dataset].name,
        "num_images": {part: len(read_images(folder, part)) for part in ("train", "t10k")},
        "num_examples": dataset.num_examples,
        "num_examples_by_class": {
            name: torch.bincount(split.targets, minlength=NUM_CLASSES).tolist()
            for name, split in dataset.splits.items()
        },
        "class_names": list(dataset.class_names),
        "pixel_mean": dataset.feature_scale.mean.item(),
        "pixel_std": dataset.feature_scale.std.item(),
    }
