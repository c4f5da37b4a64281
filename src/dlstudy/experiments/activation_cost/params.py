"""Parameters of the timings: what an activation costs by itself, and what it costs a training."""

from functools import partial
from typing import Annotated, Final

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from dlstudy.core.base.params import (
    Items,
    NumTrainingImages,
    PositiveInt,
    Section,
    Seed,
    ascending,
    each_once,
    with_claimed,
)
from dlstudy.core.params import ActivationName

CLAIMED_ACTIVATIONS: Final[tuple[ActivationName, ...]] = ("relu", "sigmoid", "tanh")
"""What claims ACT-13 and ACT-14 are about; other activations stand beside them."""

DEEP: Final = 4
"""So many hidden layers make a network deep."""

Widths = Annotated[Items[PositiveInt], Field(min_length=1)]
NumRounds = Annotated[int, Field(ge=2)]  # a verdict takes more: see `claims.cost`


def _shallow_and_deep(networks: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
    each_once(networks, "network")
    depths = [len(widths) for widths in networks]
    if 1 not in depths or max(depths) < DEEP:
        raise ValueError(f"expected one with 1 hidden layer and one with {DEEP} or more, found {depths} hidden layers")
    return networks


class CostParams(Section):
    """Activations by themselves on square tensors, and in whole epochs of training; in rounds, each after the other."""

    activations: Annotated[Items[ActivationName], AfterValidator(partial(with_claimed, claimed=CLAIMED_ACTIVATIONS))]
    sides: Annotated[Items[PositiveInt], Field(min_length=2), AfterValidator(ascending)]  # of the tensors, float32
    largest_in_cache: PositiveInt  # side up to which a tensor and its image stay in the processor's caches
    smallest_in_memory: PositiveInt  # side from which they do not
    num_values: PositiveInt  # that a timing takes in: small tensors many times over, large ones once at least
    num_rounds: NumRounds
    networks: Annotated[Items[Widths], AfterValidator(_shallow_and_deep)]  # widths of the hidden layers of each
    num_images: NumTrainingImages  # the first of the training split, an epoch
    batch_size: PositiveInt
    num_epoch_rounds: NumRounds
    seed: Seed  # of the tensors, the initial weights and the minibatches

    @field_validator("largest_in_cache")
    @classmethod
    def _some_are_in_cache(cls, side: int, info: ValidationInfo) -> int:
        sides = info.data.get("sides")
        if sides and side < sides[0]:
            raise ValueError(f"expected at least {sides[0]}, the smallest of sides, found {side}")
        return side

    @field_validator("smallest_in_memory")
    @classmethod
    def _some_are_in_memory(cls, side: int, info: ValidationInfo) -> int:
        sides, in_cache = info.data.get("sides"), info.data.get("largest_in_cache")
        if sides and side > sides[-1]:
            raise ValueError(f"expected at most {sides[-1]}, the largest of sides, found {side}")
        if in_cache and side <= in_cache:
            raise ValueError(f"expected more than largest_in_cache, {in_cache}, found {side}")
        return side

    @field_validator("batch_size")
    @classmethod
    def _within_the_images(cls, batch_size: int, info: ValidationInfo) -> int:
        num = info.data.get("num_images")
        if num is not None and batch_size > num:
            raise ValueError(f"expected at most num_images, {num}, found {batch_size}")
        return batch_size
