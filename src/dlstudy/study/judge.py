"""Parameters of the judge stage: how verdicts are decided."""

from typing import Annotated

from pydantic import Field, field_validator

from dlstudy.core.params import Items, PositiveFloat, PositiveInt, Section, Seed, each_once

Confidence = Annotated[float, Field(gt=0.5, lt=1)]  # two one-sided tests stand on the interval at 2 * confidence - 1


class JudgeParams(Section):
    margin: PositiveFloat  # accuracy points: a smaller difference is none that matters
    other_margins: Annotated[Items[PositiveFloat], Field(min_length=1)]  # where each verdict is computed once more
    confidence: Confidence  # of every interval
    num_resamples: Annotated[PositiveInt, Field(ge=100)]  # of a bootstrap
    seed: Seed  # of the bootstrap

    @field_validator("other_margins")
    @classmethod
    def _each_once(cls, margins: tuple[float, ...]) -> tuple[float, ...]:
        return each_once(margins, "margin")
