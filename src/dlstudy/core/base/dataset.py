"""A prepared data set: three splits in raw units, what standardises them, and the files of tensors it is kept in."""

import errno
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from dlstudy.core.base import kernels  # noqa: F401 # whatever computes with data gets the same bytes on Intel and AMD
from dlstudy.core.base.artifacts import write_bytes
from dlstudy.core.base.errors import DataError, StudyError

Task = Literal["classification", "regression"]


@dataclass(frozen=True)
class Split:
    """Examples in raw units.

    features: (examples, ...), uint8 pixels from 0 to 255, float64 in the units of `Dataset.feature_names`, or float32
    of a frozen network.
    targets: (examples,), int64 classes or float64 in the unit of `Dataset.target_name`.
    """

    features: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)

    def first(self, num: int) -> "Split":
        """The first `num` examples; all if there are fewer."""
        return Split(self.features[:num], self.targets[:num])

    @cached_property
    def arrays(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Features and targets as NumPy arrays, always the same two objects: joblib knows by them what it shares."""
        return self.features.numpy(), self.targets.numpy()

    def __reduce__(self) -> tuple[Any, ...]:
        """Travels to other processes as NumPy arrays, which joblib maps into the memory of all, unlike tensors."""
        return _split_of_arrays, self.arrays


def _split_of_arrays(features: np.ndarray[Any, Any], targets: np.ndarray[Any, Any]) -> Split:
    return Split(torch.from_numpy(features), torch.from_numpy(targets))


@dataclass(frozen=True)
class Scale:
    """Mean and standard deviation of the training split, which standardise every split.

    Shapes: (features,) for each column on its own, () for one scale of all.
    """

    mean: Tensor  # float64
    std: Tensor  # float64, above 0

    def __post_init__(self) -> None:
        if not (self.std > 0).all():
            raise DataError(
                f"training split: expected columns that vary, found standard deviations {self.std.tolist()}"
            )

    @classmethod
    def of(cls, values: Tensor) -> "Scale":
        """The scale of each column of (examples, columns), or of a vector (examples,)."""
        return cls(values.mean(0), values.std(0, correction=0))

    @classmethod
    def of_pixels(cls, images: Tensor) -> "Scale":
        """One scale for all pixels of uint8 images, from integer sums, which no order of summation changes."""
        pixels = torch.arange(256, dtype=torch.int64)
        counts = torch.bincount(images.flatten(), minlength=256)
        mean = (counts * pixels).sum().double() / counts.sum()
        mean_square = (counts * pixels**2).sum().double() / counts.sum()
        return cls(mean, (mean_square - mean**2).sqrt())


@dataclass(frozen=True)
class Dataset:
    task: Task
    train: Split
    validation: Split
    test: Split
    feature_scale: Scale
    target_scale: Scale | None  # regression only
    feature_names: tuple[str, ...]  # with units; of images the one word "pixel", of a frozen network "feature"
    target_name: str  # with its unit
    class_names: tuple[str, ...] = ()
    images: Tensor | None = None  # uint8, of the test split, where its features were computed from them

    @property
    def splits(self) -> dict[str, Split]:
        return {"train": self.train, "validation": self.validation, "test": self.test}

    @property
    def num_examples(self) -> dict[str, int]:
        return {name: len(split) for name, split in self.splits.items()}

    @property
    def num_features(self) -> int:
        return self.train.features[0].numel()

    @property
    def dtype(self) -> torch.dtype:
        """Of the standardised features, and so of the parameters of a model."""
        return torch.float64 if self.train.features.dtype == torch.float64 else torch.float32

    @property
    def test_images(self) -> Tensor:
        """The images of the test split, whether they are its features or what these were computed from."""
        return self.test.features if self.images is None else self.images

    @property
    def num_outputs(self) -> int:
        return len(self.class_names) if self.task == "classification" else 1

    def redivided(self, stream: torch.Generator) -> "Dataset":
        """The same examples, with those of training and validation split shuffled and divided anew, in the same sizes.

        The test split stays as it is; the scales are those of the new training split.
        """
        sizes = [len(self.train), len(self.validation)]
        features = torch.cat([self.train.features, self.validation.features])
        targets = torch.cat([self.train.targets, self.validation.targets])
        train, validation = (
            Split(features[rows], targets[rows]) for rows in torch.randperm(sum(sizes), generator=stream).split(sizes)
        )
        pixels = self.train.features.dtype == torch.uint8
        return replace(
            self,
            train=train,
            validation=validation,
            feature_scale=Scale.of_pixels(train.features) if pixels else Scale.of(train.features),
            target_scale=self.target_scale and Scale.of(train.targets),
        )

    def standardised(self, split: Split) -> Split:
        """What a model sees: features (examples, features) and, in regression, targets of mean 0 and variance 1.

        Pixels become float32, which is exact for them and twice as fast; the columns of a table stay float64, and
        the features of a frozen network float32.
        """
        features = split.features.flatten(1).to(self.dtype, copy=True)
        features = features.sub_(self.feature_scale.mean).div_(self.feature_scale.std)
        if self.target_scale is None:
            return Split(features, split.targets)
        return Split(features, (split.targets - self.target_scale.mean) / self.target_scale.std)


# --- Files ---


def save_tensors(path: Path, content: Mapping[str, Any]) -> None:
    """Write a (nested) dict of tensors, names and numbers, whole or not at all: the same bytes for the same values.

    By way of a buffer, because torch.save puts the name of the file that it writes into the bytes.
    """
    buffer = io.BytesIO()
    torch.save(dict(content), buffer)
    write_bytes(path, buffer.getvalue())


def load_tensors(path: Path) -> dict[str, Any]:
    """What `save_tensors` wrote; refuses anything but tensors, names and numbers."""
    if not path.is_file():
        raise StudyError(f"{path}: expected a file of tensors, found none; `dvc repro` makes it")
    try:
        content: dict[str, Any] = torch.load(path, weights_only=True)
    except (RuntimeError, EOFError, UnpicklingError, KeyError, ValueError, OSError) as error:
        if isinstance(error, OSError) and error.errno != errno.EINVAL:  # that one: its archive ends too soon
            raise
        remedy = f"delete it, then run `dvc checkout {path}` or `dvc repro`"
        raise DataError(f"{path}: expected a file of tensors, found it damaged or something else; {remedy}") from None
    return content


def save_dataset(path: Path, dataset: Dataset) -> None:
    """Write all tensors and names into one file, whole or not at all."""
    content: dict[str, Any] = {
        "task": dataset.task,
        "feature_names": list(dataset.feature_names),
        "target_name": dataset.target_name,
        "class_names": list(dataset.class_names),
        "feature_scale": vars(dataset.feature_scale),
        "target_scale": dataset.target_scale and vars(dataset.target_scale),
    }
    content |= {name: {"features": split.features, "targets": split.targets} for name, split in dataset.splits.items()}
    if dataset.images is not None:
        content["images"] = dataset.images
    save_tensors(path, content)


def load_dataset(path: Path) -> Dataset:
    """What `save_dataset` wrote."""
    content = load_tensors(path)
    content |= {name: Split(**content[name]) for name in ("train", "validation", "test")}
    content |= {name: content[name] and Scale(**content[name]) for name in ("feature_scale", "target_scale")}
    content |= {name: tuple(content[name]) for name in ("feature_names", "class_names")}
    return Dataset(**content)
