"""Parameters of the experiment on signal propagation: how large signals are, layer by layer, forwards and backwards."""

from functools import partial
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from dlstudy.core.base.params import Items, NumTrainingImages, PositiveFloat, PositiveInt, Section, with_claimed
from dlstudy.core.params import ActivationName

SignalInitName = Literal["small_normal", "pytorch", "xavier", "he"]

CLAIMED_ACTIVATIONS: Final[tuple[ActivationName, ...]] = ("sigmoid", "tanh", "relu")
CLAIMED_INITS: Final[tuple[SignalInitName, ...]] = ("pytorch", "xavier", "he")
"""What claims ACT-8 to ACT-10 are about; other activations and initialisers stand beside them."""


def _from_zero(steps: tuple[int, ...]) -> tuple[int, ...]:
    if steps[0] != 0 or list(steps) != sorted(set(steps)):
        raise ValueError(f"expected ascending numbers that begin with 0, found {list(steps)}")
    return steps


class SignalParams(Section):
    """Networks as initialised, and a short training of some, looked at through images of the training split."""

    width: Annotated[int, Field(ge=2)]  # of every hidden layer
    depth: Annotated[int, Field(ge=4)]  # hidden layers; the first and the last are left out of the ratios
    num_images: Annotated[NumTrainingImages, Field(ge=2)]  # the first of the training split
    activations: Annotated[Items[ActivationName], AfterValidator(partial(with_claimed, claimed=CLAIMED_ACTIVATIONS))]
    inits: Annotated[Items[SignalInitName], AfterValidator(partial(with_claimed, claimed=CLAIMED_INITS))]
    small_std: PositiveFloat  # standard deviation of the weights of small_normal, whose biases are 0
    training_width: Annotated[int, Field(ge=2)]  # of every hidden layer, in the short training
    training_lr: PositiveFloat  # constant
    training_batch_size: NumTrainingImages
    training_steps: Annotated[Items[int], Field(min_length=2), AfterValidator(_from_zero)]  # at which it is looked at
    num_training_seeds: PositiveInt  # the first of the study's seeds; all of them, if they are fewer
