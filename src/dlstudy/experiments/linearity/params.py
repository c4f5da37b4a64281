"""Parameters of the experiment linearity."""

from typing import Annotated

from pydantic import Field

from dlstudy.core.base.params import Section, Seed


class LinearityParams(Section):
    """The plane against a spline basis, by repeated cross-validation."""

    num_repeats: Annotated[int, Field(ge=2)]  # of the cross-validation; and of splits for a published fit
    num_folds: Annotated[int, Field(ge=2, le=100)]  # beyond, a fold is a handful of sales
    num_knots: Annotated[int, Field(ge=3)]  # of each natural cubic spline; with two it would be the plane
    seed: Seed  # of the folds and splits
