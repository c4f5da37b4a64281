"""Parameters of what is tuned by rungs."""

from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from dlstudy.core.params import Items, PositiveFloat, PositiveInt, Section, ascending
from dlstudy.training.params import Seeds
from dlstudy.tuning.rates import step_of


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
