"""Parameters of the judge stage: how verdicts are decided."""

from typing import Annotated, Final

from pydantic import Field, field_validator

from dlstudy.core.params import PositiveFloat, Section

WIDEST_MARGIN: Final = 50.0


class JudgeParams(Section):
    margin: PositiveFloat  # accuracy points: a smaller difference is negligible
    confidence: Annotated[float, Field(gt=0.5, lt=1)]  # of every interval; 2 * confidence - 1 in two one-sided tests

    @field_validator("margin")
    @classmethod
    def _leaves_something_to_decide(cls, margin: float) -> float:
        if margin >= WIDEST_MARGIN:
            raise ValueError(
                f"expected less than {WIDEST_MARGIN:g} accuracy points, found {margin:g}: within that, all classifiers "
                "that are better than guessing are equivalent, and no comparison could come out otherwise"
            )
        return margin
