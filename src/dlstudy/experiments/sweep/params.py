"""Parameters of the sweep over activations, depths and initialisers."""

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from dlstudy.core.params import (
    Fraction,
    Items,
    NumTrainingImages,
    PositiveFloat,
    PositiveInt,
    Section,
    ascending,
    with_claimed,
)
from dlstudy.training.activations import ActivationName
from dlstudy.training.params import Seeds

SweepInitName = Literal["matching", "pytorch", "xavier", "he"]

CLAIMED_ACTIVATIONS: Final = ("identity", "sigmoid", "tanh", "relu")
CLAIMED_CELLS: Final[dict[SweepInitName, tuple[int, ...]]] = {"matching": (1, 4, 8, 16), "pytorch": (1, 4, 8)}
"""What the claims are about; others stand beside them."""


def _activations(names: tuple[ActivationName, ...]) -> tuple[ActivationName, ...]:
    return with_claimed(names, CLAIMED_ACTIVATIONS)


Depths = Annotated[Items[PositiveInt], Field(min_length=1), AfterValidator(ascending)]


def _cells(cells: dict[SweepInitName, Depths]) -> dict[SweepInitName, Depths]:
    for init, depths in CLAIMED_CELLS.items():
        if missing := sorted(set(depths) - set(cells.get(init, ()))):
            raise ValueError(f"expected {missing} among the depths of {init}, which claims are about, found {cells}")
    return cells


class SweepProtocol(Section):
    """How every activation is tried: what all stages of the sweep depend on."""

    cells: Annotated[dict[SweepInitName, Depths], AfterValidator(_cells)]  # numbers of hidden layers, by initialiser
    width: PositiveInt  # of every hidden layer
    batch_size: NumTrainingImages
    num_epochs: PositiveFloat  # passes over the training split; half an epoch is 0.5
    learning_rates: Annotated[Items[PositiveFloat], Field(min_length=3), AfterValidator(ascending)]
    tuning_seeds: Seeds
    stack_size: PositiveInt  # seeds that are trained side by side; another number gives other last bits
    num_looks: PositiveInt  # during each training, at validation accuracy
    look_images: PositiveInt  # of the validation split, for each


class SweepThresholds(Section):
    """What claims hold the trainings against: a change judges again and trains nothing."""

    trainable: Fraction  # validation accuracy from which on a network counts as trained
    target: Fraction  # validation accuracy whose number of steps is compared


class SweepParams(Section):
    activations: Annotated[Items[ActivationName], Field(min_length=2), AfterValidator(_activations)]
    protocol: SweepProtocol
    thresholds: SweepThresholds
