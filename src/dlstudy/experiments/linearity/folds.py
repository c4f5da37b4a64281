"""Is the price linear in area and age? The plane against richer models, by repeated cross-validation.

Every model sees the same two features and the same folds. The splines are fitted by the formula that fits the plane.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import pandas as pd
import torch
from sklearn.ensemble import GradientBoostingRegressor
from torch import Tensor

from dlstudy.closed_form.least_squares import by_normal_equations, with_ones
from dlstudy.core.execution import map_runs
from dlstudy.core.randomness import generator
from dlstudy.experiments.linearity.basis import PLANE, Expansion, LinearFit, rmse
from dlstudy.experiments.linearity.params import LinearityParams

FEATURES: Final = ("area", "age")
BOOSTING: Final = {"n_estimators": 100, "learning_rate": 0.1, "max_depth": 3, "random_state": 0}
"""scikit-learn's own defaults, written out, and a fixed seed: no setting was tried against another."""

NUM_CURVE_POINTS: Final = 121
LARGE_AREA: Final = 4000.0
"""Square feet; De Cock (2011) calls the five houses beyond unusual."""


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
        "num_repeats": params.num_repeats,
        "num_folds": params.num_folds,
        "num_knots": params.num_knots,
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
