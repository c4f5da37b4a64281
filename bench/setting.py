"""What every way of one measurement has in common."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final, Literal

from dlstudy.core.base.params import ParamsError, load_section
from dlstudy.core.params import SgdParams
from dlstudy.data.image_sets import FolderSet, load_image_set
from dlstudy.data.params import ImagesParams
from dlstudy.evaluation.params import MODEL
from dlstudy.vision.params import VisionParams

ModelName = Literal["mlp_relu", "stack", "resnet18"]
"""Models of params.yaml, and the first of them at the shape of the ladder's networks."""

MODEL_KEY: Final = "train.mlp_relu"
VISION_KEY: Final = "vision.resnet18"
MOST_VISION_IMAGES: Final = 1_280  # an epoch of all would take minutes for each measurement
STACK: Final = {"hidden": (128,), "batch_size": 128}  # the ladder at depth 1
PREPARED: Final = Path("data/prepared/images.pt")
RAW: Final = Path("data/raw/images")
NUM_PIXELS: Final = 28 * 28
NUM_CLASSES: Final = 10


class BenchError(Exception):
    """Why nothing could be measured."""


@dataclass(frozen=True)
class Setting:
    model: ModelName
    widths: tuple[int, ...]  # of the perceptron's layers, input and output included; none of a network of torchvision
    network: str  # its activation, or what torchvision calls it
    batch_size: int
    num_images: int  # an epoch
    num_epochs: int  # timed in each process
    num_rounds: int


def model_params(model: ModelName) -> SgdParams:
    """The settings of the network that is trained, from params.yaml; ParamsError says what is wrong with them."""
    params = load_section(MODEL_KEY, MODEL)
    if not isinstance(params, SgdParams) or params.data != "images" or not params.hidden:
        raise ParamsError(f"{MODEL_KEY}: expected a network with hidden layers on images, found {params!r}")
    return params.model_copy(update=STACK) if model == "stack" else params


def vision_params() -> VisionParams:
    """The settings of the network of torchvision that is trained, from params.yaml."""
    return load_section(VISION_KEY, VisionParams)


def image_set_name() -> str:
    """The class of torchvision.datasets that reads the images which params.yaml names."""
    image_set = load_image_set(load_section("prepare.images", ImagesParams).dataset)
    return "MNIST" if isinstance(image_set, FolderSet) else image_set.torchvision or "MNIST"


def read_setting(model: ModelName, num_images: int | None, num_epochs: int, num_rounds: int) -> Setting:
    """The setting by params.yaml; `num_images` None is the whole training split.

    Raises BenchError where the data are missing or too few, ParamsError where params.yaml is at fault.
    """
    train_size = load_section("prepare.images", ImagesParams).train_size
    for path in (PREPARED, RAW):
        if not path.exists():
            raise BenchError(f"{path}: expected the data to measure with, found none; run `dvc repro prepare` first")
    if num_images is not None and num_images > train_size:
        raise BenchError(f"--images: expected at most {train_size}, the training split, found {num_images}")
    num_images = num_images or train_size
    if model == "resnet18":
        network = vision_params()
        if network.weights is not None or network.augmentation:
            raise BenchError(
                f"{VISION_KEY}: expected no published weights and no augmentation, as in the plain loop, found "
                f"weights {network.weights}, augmentation {list(network.augmentation)}"
            )
        some = min(num_images, MOST_VISION_IMAGES, network.num_images)
        return Setting(model, (), network.builder, network.batch_size, some, num_epochs, num_rounds)
    params = model_params(model)
    widths = (NUM_PIXELS, *params.hidden, NUM_CLASSES)
    return Setting(model, widths, str(params.activation), params.batch_size, num_images, num_epochs, num_rounds)


def matrix_product_flops(widths: tuple[int, ...], num_examples: int) -> int:
    """Additions and multiplications in the matrix products of one epoch of SGD.

    A layer's outputs, the gradient of its weights and that of its inputs are a product each; the first layer's
    inputs are data and need no gradient.
    """
    sizes = [fan_in * fan_out for fan_in, fan_out in pairwise(widths)]
    return 2 * num_examples * (3 * sum(sizes) - sizes[0])
