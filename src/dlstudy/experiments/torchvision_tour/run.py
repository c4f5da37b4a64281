"""A tour of the installed torchvision on real images: its parts, properties of what they do, the weights that it names.

Every one of the four parts that the note names is put to work: data sets read the study's own files, transforms are
held against slices and permutations of the same images, a network's weights pass through a file by the weights API,
and images are cut out of a grid again.
"""

import importlib
import inspect
import pkgutil
import re
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from dlstudy.core.base.dataset import Split, load_dataset
from dlstudy.experiments.torchvision_tour.params import TourParams
from dlstudy.experiments.torchvision_tour.properties import all_properties, compared, property_table, row, transforms

PARAMS = TourParams


def load() -> tuple[Split, Path]:
    """The test images, and the folder of the files that they were read from."""
    return load_dataset(Path("data/prepared/images.pt")).test, Path("data/raw/images")


def run(data: tuple[Split, Path], params: TourParams, seeds: Sequence[int]) -> dict[str, Any]:
    """The tables parts, properties and weights, and the facts; no seed of the study plays a part."""
    import torchvision

    test, folder = data
    images = test.features[: params.num_images]
    few = images[: params.num_single_images]
    properties = property_table(images, len(few), all_properties(params.seed))
    others = pd.DataFrame([*file_rows(test, folder), weight_row(few, params.seed)])
    found = parts()
    return {
        "parts": part_table(found),
        "properties": pd.concat([properties, others]),
        "weights": weight_table(),
        "facts": {
            "version": torchvision.__version__.split("+")[0],  # without the name of the build
            "num_images": len(images),
            "num_single_images": len(few),
            "not_imported": [name for each in found for name in each.not_imported],
        },
    }


# --- Parts ---


@dataclass(frozen=True)
class Part:
    """A module of torchvision, with all public modules below it."""

    name: str  # "transforms"
    modules: list[ModuleType]
    not_imported: list[str]  # compiled libraries and what needs software that is not installed

    @property
    def members(self) -> list[Any]:
        """Its public classes and functions, each once, by however many names: in the part that defines it."""
        found = dict.fromkeys(each for module in self.modules for each in public(module))
        package = f"torchvision.{self.name}."
        return [each for each in found if f"{getattr(each, '__module__', '')}.".startswith(package)]


def public(module: ModuleType) -> list[Any]:
    """Classes and functions in the module's `__all__` or, if there is none, by names that begin with no underscore."""
    names = getattr(module, "__all__", [name for name in vars(module) if not name.startswith("_")])
    found = [getattr(module, name, None) for name in names]
    return [each for each in found if inspect.isclass(each) or inspect.isroutine(each)]


def parts() -> list[Part]:
    """The public modules of torchvision, in the order of their names."""
    import torchvision

    found = pkgutil.iter_modules(torchvision.__path__)
    return [part(each.name) for each in found if not each.name.startswith("_") and has_source(each.name)]


def has_source(name: str) -> bool:
    """Whether a module is written in Python: a compiled library beside it is nothing that a reader imports."""
    spec = importlib.util.find_spec(f"torchvision.{name}")
    return spec is not None and str(spec.origin).endswith(".py")


def part(name: str) -> Part:
    top = importlib.import_module(f"torchvision.{name}")
    found = Part(name, modules=[top], not_imported=[])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some modules are deprecated, and say so when they are imported
        for below in pkgutil.walk_packages(getattr(top, "__path__", []), f"{top.__name__}."):
            if "._" in below.name:  # private, or in a private package
                continue
            try:
                found.modules.append(importlib.import_module(below.name))
            except ImportError:
                found.not_imported.append(below.name)
    return found


def part_table(found: list[Part]) -> pd.DataFrame:
    """One row per part: its modules, public classes and public functions."""
    rows = []
    for each in found:
        members = each.members
        num_classes = sum(map(inspect.isclass, members))
        rows.append((each.name, len(each.modules), num_classes, len(members) - num_classes))
    return pd.DataFrame(rows, columns=["part", "num_modules", "num_classes", "num_functions"])


# --- Data sets ---


def file_rows(test: Split, folder: Path) -> list[dict[str, Any]]:
    """Whether torchvision reads the same images and classes from the files as the study does."""
    images, classes = read_by_torchvision(folder)
    same_images = compared((images, test.features))
    same_classes = compared((classes.unsqueeze(1), test.targets.unsqueeze(1)))
    return [
        row("files", "images as the study reads them", "datasets", "uint8", [same_images]),
        row("files", "classes as the study reads them", "datasets", "whole numbers", [same_classes]),
    ]


def read_by_torchvision(folder: Path) -> tuple[Tensor, Tensor]:
    """The test images and classes, read one by one by torchvision's class for data sets in MNIST's format."""
    from torchvision.datasets import MNIST

    with tempfile.TemporaryDirectory() as root:
        raw = Path(root) / "MNIST" / "raw"  # where the class looks
        raw.parent.mkdir()
        raw.symlink_to(folder.resolve(), target_is_directory=True)
        examples = [(transforms().functional.pil_to_tensor(image), label) for image, label in MNIST(root, train=False)]
    images, classes = zip(*examples, strict=True)
    return torch.cat(images), torch.tensor(classes)


# --- Models ---


def weight_row(images: Tensor, seed: int) -> dict[str, Any]:
    """Whether a network into which weights are loaded by the weights API, from a file, gives the same outputs.

    The weights are random ones; the file has the name of pretrained ones, in the folder in which the API looks first.
    """
    from torchvision import models

    f = transforms().functional
    enlarged = f.resize(images.unsqueeze(1).repeat(1, 3, 1, 1), [64, 64], antialias=True)
    inputs = f.to_dtype(enlarged, torch.float32, scale=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        first, second = (models.resnet18(weights=None).eval() for _ in range(2))
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        weights = models.ResNet18_Weights.IMAGENET1K_V1
        torch.save(first.state_dict(), Path(folder) / file_of(weights))
        second.load_state_dict(weights.get_state_dict(model_dir=folder, progress=False, weights_only=True))
        found = compared((second(inputs), first(inputs)))
    return row("weights", "outputs with weights from a file", "models", "float32", [found])


def file_of(weights: Any) -> str:
    return str(weights.url).rsplit("/", 1)[-1]


def weight_table() -> pd.DataFrame:
    """One row per set of weights for AlexNet, VGG and ResNet, which the note names: file, hash in its name, accuracies.

    An accuracy is 0 where none is published: of weights for the layers before the classifier alone.
    """
    from torchvision import models

    rows = []
    for builder in ("alexnet", "vgg16", "resnet18"):
        for weights in models.get_model_weights(builder):
            found = re.search(r"-([0-9a-f]{8,})\.pth$", file_of(weights))
            accuracies = pd.Series(weights.meta["_metrics"]["ImageNet-1K"]).fillna(0.0)
            cells = {
                "builder": builder,
                "weights": str(weights),
                "file": file_of(weights),
                "hash": f"sha256:{found[1]}" if found else "none",  # so that no table program takes it for a number
                "file_size": weights.meta["_file_size"],
                "acc_at_1": accuracies["acc@1"],
                "acc_at_5": accuracies["acc@5"],
            }
            rows.append(cells)
    return pd.DataFrame(rows)
