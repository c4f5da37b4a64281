"""Is the price linear in area and age? The plane against richer models, by repeated cross-validation.

Every model sees the same two features and the same folds. The splines are fitted by the formula that fits the plane.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Final

import pandas as pd
import torch
from sklearn.ensemble import GradientBoostingRegressor
from torch import Tensor

from dlstudy.closed_form.least_squares import by_normal_equations, least_squares, with_ones
from dlstudy.core.base.dataset import Scale
from dlstudy.core.base.params import ParamsError
from dlstudy.core.base.randomness import generator
from dlstudy.core.execution import map_runs
from dlstudy.experiments.linearity.params import LinearityParams

FEATURES: Final = ("area", "age")
BOOSTING: Final = {"n_estimators": 100, "learning_rate": 0.1, "max_depth": 3, "random_state": 0}
"""scikit-learn's own defaults, written out, and a fixed seed: no setting was tried against another."""

NUM_CURVE_POINTS: Final = 121
LARGE_AREA: Final = 4000.0  # square feet; De Cock (2011) calls the five houses beyond unusual
OUTER_QUANTILE: Final = 0.05
"""Where the first knot lies, and as far from the other end the last: Harrell's choice for 5 and 6 knots."""


# --- The columns that a model is fitted to: the features themselves, or natural cubic splines of them ---


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


# --- Cross-validation ---


@dataclass(frozen=True)
class Fold:
    """The rows that are left out, once, in one repeat."""

    repeat: int
    number: int
    held_out: tuple[int, ...]


def folds(num_rows: int, params: LinearityParams) -> Iterator[Fold]:
    """Every fold of every repeat: the rows are shuffled anew for each repeat, then cut into equal parts."""
    for repeat in range(1, params.num_repeats + 1):
        order = torch.randperm(num_rows, generator=generator(params.seed, f"folds of repeat {repeat}"))
        for number, rows in enumerate(order.tensor_split(params.num_folds), start=1):
            yield Fold(repeat, number, tuple(sorted(rows.tolist())))


def score_fold(X: Tensor, targets_by_unit: dict[str, Tensor], num_knots: int, fold: Fold) -> dict[str, float]:
    """A row of the table of folds; X (rows, 2), and the targets (rows,) by unit."""
    held_out = torch.zeros(len(X), dtype=torch.bool)
    held_out[list(fold.held_out)] = True
    train, test = X[~held_out], X[held_out]
    usual = test[:, 0] <= LARGE_AREA
    row: dict[str, float] = {"repeat": fold.repeat, "fold": fold.number, "num_held_out": len(test)}
    for unit, targets in targets_by_unit.items():
        expected = targets[held_out]
        for name, predictions in predict(train, targets[~held_out], test, num_knots, unit=unit).items():
            row[f"{name}_{unit}"] = rmse(predictions, expected)
            row[f"{name}_{unit}_usual"] = rmse(predictions[usual], expected[usual])
    logs = targets_by_unit["log"][~held_out]
    return row | {"disagreement": disagreement(LinearFit.of(Expansion.of(train, num_knots), train, logs), train, logs)}


def predict(train: Tensor, targets: Tensor, test: Tensor, num_knots: int, *, unit: str) -> dict[str, Tensor]:
    """What each model, fitted to the training rows (rows, 2), predicts for the test rows; by its name."""
    expansions = {"plane": PLANE, "spline": Expansion.of(train, num_knots)}
    if unit == "log":
        expansions["products"] = Expansion.of(train, num_knots, products=True)
    predictions = {name: LinearFit.of(expansion, train, targets)(test) for name, expansion in expansions.items()}
    if unit == "log":  # and trees, which no set of columns is linear in
        trees = GradientBoostingRegressor(**BOOSTING).fit(train.numpy(), targets.numpy())
        predictions["boosting"] = torch.from_numpy(trees.predict(test.numpy()))
    return predictions


def disagreement(fit: LinearFit, features: Tensor, targets: Tensor) -> float:
    """How far the normal equations' fitted values are from those of a fit, relative to the spread of the latter.

    Both as Euclidean norms over the rows, the spread about the mean: the bare size of the values, which the intercept
    makes large, would flatter.
    """
    columns, fitted = fit.columns(features), fit(features)
    solution = by_normal_equations(with_ones(columns), targets)
    other = columns @ solution[:-1] + solution[-1]
    return float((other - fitted).norm() / (fitted - fitted.mean()).norm())


def score_folds(sales: pd.DataFrame, params: LinearityParams) -> pd.DataFrame:
    """One row per fold: repeat, fold, num_held_out, root mean squared errors on the held-out rows, disagreement.

    plane_dollars, spline_dollars: of models of the price. plane_log, spline_log, products_log, boosting_log: of models
    of its natural logarithm. The same with _usual: scored without the houses over LARGE_AREA, fitted with them.
    disagreement: of the two ways to solve for the spline of the logarithm, on the training rows.

    No verdict uses the products and the _usual columns: they were added to explain the verdicts once these were seen.
    """
    shared = (*tensors_of(sales), params.num_knots)
    return pd.DataFrame(map_runs(score_fold, list(folds(len(sales), params)), label="linearity", shared=shared))


# --- Both models fitted to all sales, for the figures ---


def tensors_of(sales: pd.DataFrame) -> tuple[Tensor, dict[str, Tensor]]:
    """Features (rows, 2), and the targets (rows,) by unit."""
    prices = torch.tensor(sales["price"].to_numpy())
    return torch.tensor(sales[list(FEATURES)].to_numpy()), {"dollars": prices, "log": prices.log()}


def curves(sales: pd.DataFrame, num_knots: int) -> pd.DataFrame:
    """What the spline adds to the plane along each feature: columns feature, value, dollars, log.

    Both models are sums of a part for each feature. The part of the spline minus that of the plane, with mean 0 over
    the sales, is flat where the plane is right.
    """
    features, targets = tensors_of(sales)
    spline = Expansion.of(features, num_knots)
    fits = {unit: (LinearFit.of(spline, features, y), LinearFit.of(PLANE, features, y)) for unit, y in targets.items()}
    tables = []
    for column, name in enumerate(FEATURES):
        ends = features[:, column].min().item(), features[:, column].max().item()
        grid = torch.linspace(*ends, NUM_CURVE_POINTS, dtype=torch.float64)
        parts = {unit: _part(pair, features, column, grid).numpy() for unit, pair in fits.items()}
        tables.append(pd.DataFrame({"feature": name, "value": grid.numpy(), **parts}))
    return pd.concat(tables, ignore_index=True)


def _part(pair: tuple[LinearFit, LinearFit], features: Tensor, column: int, grid: Tensor) -> Tensor:
    """Spline minus plane along one feature, the other at its mean; less the mean over the rows."""
    spline, plane = pair

    def along(values: Tensor) -> Tensor:
        rows = features.mean(0).repeat(len(values), 1)
        rows[:, column] = values
        return spline(rows) - plane(rows)

    return along(grid) - along(features[:, column]).mean()


def facts(sales: pd.DataFrame, params: LinearityParams) -> dict[str, Any]:
    """The single numbers: sizes, knots, the planes through all sales and how much of the variance models explain."""
    features, targets = tensors_of(sales)
    spline = Expansion.of(features, params.num_knots)
    fits = {unit: LinearFit.of(spline, features, y) for unit, y in targets.items()}
    columns = fits["log"].columns(features)
    return {
        "num_sales": len(sales),
        "num_large_houses": int((sales["area"] > LARGE_AREA).sum()),
        "large_area": LARGE_AREA,
        **params.model_dump(include={"num_repeats", "num_folds", "num_knots"}),
        "num_columns": columns.shape[1],
        "num_product_columns": replace(spline, products=True)(features).shape[1],
        "condition_number": float(torch.linalg.cond(with_ones(columns))),
        "knots": {name: knots.tolist() for name, knots in zip(FEATURES, spline.knots, strict=True)},
        "planes": {unit: plane_of(features, y) for unit, y in targets.items()},
        "spline_r2": {unit: explained(fits[unit](features), y) for unit, y in targets.items()},
        "boosting": {"num_trees": BOOSTING["n_estimators"], "depth": BOOSTING["max_depth"]},
    }


def plane_of(features: Tensor, targets: Tensor) -> dict[str, float]:
    """The plane through all sales in the units of the features: intercept, a slope for each, and R squared."""
    fit = LinearFit.of(PLANE, features, targets)
    slopes = fit.weights / fit.scale.std
    return {
        "intercept": float(fit.bias - (slopes * fit.scale.mean).sum()),
        **dict(zip(FEATURES, slopes.tolist(), strict=True)),
        "r2": explained(fit(features), targets),
    }


def explained(fitted: Tensor, targets: Tensor) -> float:
    """R squared: 1 - residual / total sum of squares."""
    return float(1 - (fitted - targets).square().sum() / (targets - targets.mean()).square().sum())
