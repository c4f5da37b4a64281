"""Parameters of the sweep over activations, depths and initialisers."""

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from dlstudy.params.activations import ActivationName
from dlstudy.params.base import Fraction, Items, PositiveFloat, PositiveInt, Section
from dlstudy.params.train import Seeds

SweepInitName = Literal["matching", "pytorch", "xavier", "he"]

CLAIMED_ACTIVATIONS: Final = ("identity", "sigmoid", "tanh", "relu")
CLAIMED_CELLS: Final[dict[SweepInitName, tuple[int, ...]]] = {"matching": (1, 4, 8, 16), "pytorch": (1, 4, 8)}
"""What the claims are about; others stand beside them."""


def _activations(names: tuple[ActivationName, ...]) -> tuple[ActivationName, ...]:
    if len(set(names)) < len(names):
        raise ValueError(f"expected each name once, found {list(names)}")
    if missing := [name for name in CLAIMED_ACTIVATIONS if name not in names]:
        raise ValueError(f"expected {', '.join(missing)} among the names, which claims are about, found {list(names)}")
    return names


def _depths(depths: tuple[int, ...]) -> tuple[int, ...]:
    if list(depths) != sorted(set(depths)):
        raise ValueError(f"expected ascending numbers, each once, found {list(depths)}")
    return depths


Depths = Annotated[Items[PositiveInt], Field(min_length=1), AfterValidator(_depths)]


def _cells(cells: dict[SweepInitName, Depths]) -> dict[SweepInitName, Depths]:
    for init, depths in CLAIMED_CELLS.items():
        if missing := sorted(set(depths) - set(cells.get(init, ()))):
            raise ValueError(f"expected {missing} among the depths of {init}, which claims are about, found {cells}")
    return cells


def _ascending(rates: tuple[float, ...]) -> tuple[float, ...]:
    if list(rates) != sorted(set(rates)):
        raise ValueError(f"expected ascending numbers, each once, found {list(rates)}")
    return rates


class SweepProtocol(Section):
    """How every activation is tried: what all stages of the sweep depend on."""

    cells: Annotated[dict[SweepInitName, Depths], AfterValidator(_cells)]  # numbers of hidden layers, by initialiser
    width: PositiveInt  # of every hidden layer
    batch_size: PositiveInt
    num_epochs: PositiveFloat  # passes over the training split; half an epoch is 0.5
    learning_rates: Annotated[Items[PositiveFloat], Field(min_length=3), AfterValidator(_ascending)]
    tuning_seeds: Seeds
    stack_size: PositiveInt  # seeds that are trained side by side; another number gives other last bits
    num_looks: PositiveInt  # during each training, at validation accuracy
    look_images: PositiveInt  # of the validation split, for each

    @field_validator("batch_size")
    @classmethod
    def _within_the_training_split(cls, batch_size: int, info: ValidationInfo) -> int:
        rows = (info.context or {}).get("num_training_rows", {}).get("images")
        if rows is not None and batch_size > rows:
            raise ValueError(f"expected at most {rows}, the training split of images, found {batch_size}")
        return batch_size


class SweepThresholds(Section):
    """What claims hold the trainings against: a change judges again and trains nothing."""

    trainable: Fraction  # validation accuracy from which on a network counts as trained
    target: Fraction  # validation accuracy whose number of steps is compared


class SweepParams(Section):
    activations: Annotated[Items[ActivationName], Field(min_length=2), AfterValidator(_activations)]
    protocol: SweepProtocol
    thresholds: SweepThresholds
