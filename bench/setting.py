"""What every way of one measurement has in common."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final, Literal

from dlstudy.core.params import ParamsError, load_section
from dlstudy.data.image_sets import FolderSet, load_image_set
from dlstudy.data.params import ImagesParams
from dlstudy.evaluation.params import MODEL
from dlstudy.training.params import SgdParams

ModelName = Literal["mlp_relu", "sweep"]
"""The model of params.yaml that is trained once with each seed, and the same at the shape of the ladder's networks."""

MODEL_KEY: Final = "train.mlp_relu"
SWEEP: Final = {"hidden": (128,), "batch_size": 128}  # the ladder at depth 1
PREPARED: Final = Path("data/prepared/images.pt")
RAW: Final = Path("data/raw/images")
NUM_PIXELS: Final = 28 * 28
NUM_CLASSES: Final = 10


class BenchError(Exception):
    """Why nothing could be measured."""


@dataclass(frozen=True)
class Setting:
    model: ModelName
    widths: tuple[int, ...]  # of the network's layers, input and output included
    activation: str
    batch_size: int
    num_images: int  # an epoch
    num_epochs: int  # timed in each process
    num_rounds: int


def model_params(model: ModelName) -> SgdParams:
    """The settings of the network that is trained, from params.yaml; ParamsError says what is wrong with them."""
    params = load_section(MODEL_KEY, MODEL)
    if not isinstance(params, SgdParams) or params.data != "images" or not params.hidden:
        raise ParamsError(f"{MODEL_KEY}: expected a network with hidden layers on images, found {params!r}")
    return params.model_copy(update=SWEEP) if model == "sweep" else params


def image_set_name() -> str:
    """The class of torchvision.datasets that reads the images which params.yaml names."""
    image_set = load_image_set(load_section("prepare.images", ImagesParams).dataset)
    return "MNIST" if isinstance(image_set, FolderSet) else image_set.torchvision or "MNIST"


def read_setting(model: ModelName, num_images: int | None, num_epochs: int, num_rounds: int) -> Setting:
    """The setting by params.yaml; `num_images` None is the whole training split.

    Raises BenchError where the data are missing or too few, ParamsError where params.yaml is at fault.
    """
    params, train_size = model_params(model), load_section("prepare.images", ImagesParams).train_size
    for path in (PREPARED, RAW):
        if not path.exists():
            raise BenchError(f"{path}: expected the data to measure with, found none; run `dvc repro prepare` first")
    if num_images is not None and num_images > train_size:
        raise BenchError(f"--images: expected at most {train_size}, the training split, found {num_images}")
    widths = (NUM_PIXELS, *params.hidden, NUM_CLASSES)
    activation, num_images = str(params.activation), num_images or train_size
    return Setting(model, widths, activation, params.batch_size, num_images, num_epochs, num_rounds)


def matrix_product_flops(widths: tuple[int, ...], num_examples: int) -> int:
    """Additions and multiplications in the matrix products of one epoch of SGD.

    A layer's outputs, the gradient of its weights and that of its inputs are a product each; the first layer's
    inputs are data and need no gradient.
    """
    sizes = [fan_in * fan_out for fan_in, fan_out in pairwise(widths)]
    return 2 * num_examples * (3 * sum(sizes) - sizes[0])
