"""Parameters of the experiment linearity."""

from typing import Annotated

from pydantic import Field

from dlstudy.core.params import (
    Section,
    Seed,
)

AtLeastTwo = Annotated[int, Field(ge=2)]
AtLeastThree = Annotated[int, Field(ge=3)]


class LinearityParams(Section):
    """The plane against a spline basis, by repeated cross-validation."""

    num_repeats: AtLeastTwo  # of the cross-validation; and the splits by which a published fit is repeated
    num_folds: Annotated[int, Field(ge=2, le=100)]  # beyond, a fold is a handful of sales
    num_knots: AtLeastThree  # of the natural cubic spline in each feature; with two it would be the plane
    seed: Seed  # of the folds and splits
