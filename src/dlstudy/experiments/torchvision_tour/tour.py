"""A tour of the installed torchvision on real images: its parts, properties of what they do, the weights that it names.

Every one of the four parts that the note names is put to work: data sets read the study's own files, transforms are
held against slices and permutations of the same images, a network's weights pass through a file by the weights API,
and images are cut out of a grid again.
"""

import re
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from dlstudy.core.dataset import Split
from dlstudy.experiments.torchvision_tour.params import TourParams
from dlstudy.experiments.torchvision_tour.parts import part_table, parts
from dlstudy.experiments.torchvision_tour.properties import all_properties, compared, functions, property_table, row


def tour(test: Split, folder: Path, params: TourParams) -> dict[str, pd.DataFrame]:
    """The tables parts, properties and weights. `test`: the test split, `folder`: the files that it was read from."""
    images = test.features[: params.num_images]
    few = images[: params.num_single_images]
    properties = property_table(images, len(few), all_properties(params.seed))
    others = pd.DataFrame([*file_rows(test, folder), weight_row(few, params.seed)])
    return {"parts": part_table(parts()), "properties": pd.concat([properties, others]), "weights": weight_table()}


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
        examples = [(functions().pil_to_tensor(image), label) for image, label in MNIST(root, train=False)]
    images, classes = zip(*examples, strict=True)
    return torch.cat(images), torch.tensor(classes)


# --- Models ---


def weight_row(images: Tensor, seed: int) -> dict[str, Any]:
    """Whether a network into which weights are loaded by the weights API, from a file, gives the same outputs.

    The weights are random ones; the file has the name of pretrained ones, in the folder in which the API looks first.
    """
    from torchvision import models

    f = functions()
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


def facts(test: Split, params: TourParams) -> dict[str, Any]:
    """What was visited: the version, without what tells its builds apart, and how many images."""
    import torchvision

    num_images = min(params.num_images, len(test))
    return {
        "version": torchvision.__version__.split("+")[0],
        "num_images": num_images,
        "num_single_images": min(params.num_single_images, num_images),
        "not_imported": [name for each in parts() for name in each.not_imported],
    }
