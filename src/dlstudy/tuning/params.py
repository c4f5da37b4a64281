"""Parameters of what is tuned by rungs, and the grid of learning rates that are tried: quarters of a decade."""

import math
from typing import Annotated, Final

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from dlstudy.core.base.params import Items, PositiveFloat, PositiveInt, Section, ascending
from dlstudy.core.params import Seeds

PER_DECADE: Final = 4


def learning_rate(step: int) -> float:
    """10^(step/4), rounded to three significant digits: for people to read."""
    return float(f"{10 ** (step / PER_DECADE):.3g}")


def step_of(lr: float) -> int:
    """The step of a learning rate; ValueError if it is none of 10^(k/4)."""
    step = round(PER_DECADE * math.log10(lr))
    if not math.isclose(learning_rate(step), lr, rel_tol=0.01):
        raise ValueError(
            f"expected learning rates of quarters of a decade, such as {learning_rate(step):g}, found {lr:g}"
        )
    return step


def _on_grid(rates: tuple[float, ...]) -> tuple[float, ...]:
    for rate in rates:
        step_of(rate)
    return rates


Budgets = Annotated[Items[PositiveFloat], Field(min_length=1), AfterValidator(ascending)]
Rates = Annotated[Items[PositiveFloat], Field(min_length=3), AfterValidator(ascending), AfterValidator(_on_grid)]


class TunedSection(Section):
    """What is common to experiments that tune by rungs and train anew with other seeds."""

    tuning_seeds: Seeds
    seeds: Seeds  # of the trainings that count
    stack_size: PositiveInt  # of these, trained side by side

    @field_validator("seeds")
    @classmethod
    def _do_not_tune(cls, seeds: tuple[int, ...], info: ValidationInfo) -> tuple[int, ...]:
        if both := sorted(set(seeds) & set(info.data.get("tuning_seeds", ()))):
            raise ValueError(f"expected tuning_seeds that are not among seeds, which evaluate, found {both}")
        return seeds
