"""Columns that a linear model is fitted to: the features themselves, or natural cubic splines of them."""

from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from dlstudy.closed_form.least_squares import least_squares
from dlstudy.core.dataset import Scale
from dlstudy.core.params import ParamsError

OUTER_QUANTILE = 0.05
"""Where the first knot lies, and as far from the other end the last: Harrell's choice for 5 and 6 knots."""


def knots_of(column: Tensor, num_knots: int) -> Tensor:
    """Knots (num_knots,) at equally spaced quantiles of a column (rows,), from the 5th to the 95th hundredth.

    ParamsError where two of them coincide. Harrell, Regression Modeling Strategies, 2nd edition 2015, section 2.4.6.
    """
    levels = torch.linspace(OUTER_QUANTILE, 1 - OUTER_QUANTILE, num_knots, dtype=column.dtype)
    knots = torch.quantile(column, levels)
    if not (knots.diff() > 0).all():
        raise ParamsError(
            f"experiments.linearity.num_knots: expected as many as there are quantiles that differ, found {num_knots}, "
            f"of which {num_knots - len(knots.unique())} coincide with others"
        )
    return knots


def natural_spline(column: Tensor, knots: Tensor) -> Tensor:
    """A basis (rows, knots - 1) of the natural cubic splines of a column (rows,), without the constant.

    Cubic between the knots, with two continuous derivatives, and straight beyond the first and the last, as the plane
    is: the column itself is in the basis, so that every plane is one of the splines, whatever the row.
    Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 2nd edition 2009, equations 5.4 and 5.5.
    """
    span = knots[-1] - knots[0]
    x, places = (column - knots[0]) / span, (knots - knots[0]) / span  # the cubes of square feet are huge
    cubes = (x.unsqueeze(1) - places).clamp(min=0) ** 3  # (rows, knots)
    slopes = (cubes[:, :-1] - cubes[:, -1:]) / (places[-1] - places[:-1])  # d_k(x), (rows, knots - 1)
    return torch.cat([x.unsqueeze(1), slopes[:, :-1] - slopes[:, -1:]], dim=1)


@dataclass(frozen=True)
class Expansion:
    """What turns features (rows, features) into columns; settled by training rows. Without knots, it does nothing."""

    knots: tuple[Tensor, ...]  # of each feature
    products: bool = False  # whether to add the products of two features' columns, each with each

    @classmethod
    def of(cls, features: Tensor, num_knots: int, *, products: bool = False) -> "Expansion":
        """Knots from the quantiles of these rows."""
        return cls(tuple(knots_of(column, num_knots) for column in features.T), products)

    def __call__(self, features: Tensor) -> Tensor:
        """The columns: of an additive model (rows, features * (knots - 1)), or with products behind them."""
        if not self.knots:
            return features
        parts = [natural_spline(column, knots) for column, knots in zip(features.T, self.knots, strict=True)]
        pairs = combinations(parts, 2) if self.products else ()
        return torch.cat(parts + [(one.unsqueeze(2) * other.unsqueeze(1)).flatten(1) for one, other in pairs], dim=1)


PLANE = Expansion(())


@dataclass(frozen=True)
class LinearFit:
    """A least-squares fit to standardised columns of expanded features."""

    expansion: Expansion
    scale: Scale  # of the columns
    weights: Tensor  # (columns,)
    bias: Tensor  # ()

    @classmethod
    def of(cls, expansion: Expansion, features: Tensor, targets: Tensor) -> "LinearFit":
        """Fitted to features (rows, features) and targets (rows,)."""
        columns = expansion(features)
        scale = Scale.of(columns)
        return cls(expansion, scale, *least_squares((columns - scale.mean) / scale.std, targets))

    def columns(self, features: Tensor) -> Tensor:
        """The standardised columns (rows, columns) of any rows."""
        return (self.expansion(features) - self.scale.mean) / self.scale.std

    def __call__(self, features: Tensor) -> Tensor:
        """The predictions (rows,)."""
        return self.columns(features) @ self.weights + self.bias


def rmse(predictions: Tensor, targets: Tensor) -> float:
    """The root of the mean squared error."""
    return float((predictions - targets).square().mean().sqrt())
