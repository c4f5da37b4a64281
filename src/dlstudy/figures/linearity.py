"""Where the plane misses the price of a house."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlstudy.figures.housing import AGE, AREA, THOUSANDS
from dlstudy.figures.style import COLOURS
from dlstudy.study.results import Results

LABELS: Final = {"area": AREA, "age": AGE}
RESIDUALS: Final = {"dollars": "price - plane (dollars)", "log": "log price - plane"}
BEHIND: Final = {"facecolor": "white", "alpha": 0.85, "edgecolor": "none", "pad": 2}
"""A ground for words that stand among the dots."""

SHOWN: Final = 0.995
"""Share of the residuals that the axes show at least: a few houses miss by so much that the rest would be a line."""


def figures(results: Results) -> Iterator[tuple[str, Figure]]:
    """Each figure with the name of its file, without the ending."""
    planes = results.experiment_facts("linearity")["planes"]
    yield "linearity_residuals", residuals(results.sales(), planes, results.experiment("linearity", "curves"))


def residuals(sales: pd.DataFrame, planes: Mapping[str, Mapping[str, float]], curves: pd.DataFrame) -> Figure:
    """What the plane leaves of every price, over area and over age, with the spline's departure from the plane.

    `planes`: intercept and slopes for "dollars" and "log"; `curves`: columns feature, value, dollars, log.
    """
    figure = Figure(figsize=(8.2, 6.0))
    grid = figure.subplots(2, 2, sharex="col", sharey="row")
    targets = {"dollars": sales["price"], "log": np.log(sales["price"])}
    for row, (unit, target) in zip(grid, targets.items(), strict=True):
        left = target - _plane(sales, planes[unit])
        for axes, feature in zip(row, LABELS, strict=True):
            _panel(axes, sales[feature], left, curves[curves["feature"] == feature], unit)
        row[0].set_ylabel(RESIDUALS[unit])
        low, high = _limits(left, curves[unit])
        row[0].set_ylim(low, high)
        beyond = f"{(~left.between(low, high)).sum()} houses beyond the axes"
        row[1].text(0.99, 0.97, beyond, ha="right", va="top", transform=row[1].transAxes, bbox=BEHIND)
    grid[0][0].yaxis.set_major_formatter(THOUSANDS)
    for axes, label in zip(grid[1], LABELS.values(), strict=True):
        axes.set_xlabel(label)
    grid[0][0].legend(loc="upper right", frameon=True, framealpha=0.85, edgecolor="none")
    figure.suptitle(f"What the plane leaves of {len(sales):,} prices: in dollars (top), in logarithms (bottom)")
    return figure


def _plane(sales: pd.DataFrame, plane: Mapping[str, float]) -> Any:
    return plane["intercept"] + plane["area"] * sales["area"] + plane["age"] * sales["age"]


def _limits(left: "pd.Series[float]", curve: "pd.Series[float]") -> tuple[float, float]:
    tail = (1 - SHOWN) / 2
    low, high = min(left.quantile(tail), *curve), max(left.quantile(1 - tail), *curve)
    return 1.05 * low, 1.05 * high


def _panel(axes: Axes, values: "pd.Series[float]", left: "pd.Series[float]", curve: pd.DataFrame, unit: str) -> None:
    axes.plot(values, left, ".", color="#b0b0b0", markersize=2.5, rasterized=True)
    axes.axhline(0, color=COLOURS[0], linestyle="--", linewidth=1.4, label="the plane")
    axes.plot(curve["value"], curve[unit], color=COLOURS[5], linewidth=2.0, label="the spline, less the plane")
