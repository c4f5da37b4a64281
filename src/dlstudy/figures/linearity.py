"""Where the plane misses the price of a house."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from dlstudy.figures.housing import NAMES, THOUSANDS, cloud
from dlstudy.figures.style import COLOURS, Figures, key_above, new
from dlstudy.study.results import Results

RESIDUALS: Final = {"dollars": "price - plane ($)", "log": "log price - plane"}
SHOWN: Final = 0.995
"""Share of the residuals that the axes show at least: a few houses miss by so much that the rest would be a line."""


def figures(results: Results) -> Figures:
    facts = results.experiment_facts("linearity")
    curves = results.experiment("linearity", "curves")
    yield "linearity_residuals", residuals(results.sales(), facts["planes"], curves, facts["large_area"])


def residuals(
    sales: pd.DataFrame, planes: Mapping[str, Mapping[str, float]], curves: pd.DataFrame, large_area: float
) -> Figure:
    """What the plane leaves of every price, over area and over age, with the spline's departure from the plane.

    `planes`: intercept and slopes for "dollars" and "log"; `curves`: columns feature, value, dollars, log. Houses
    larger than `large_area` are marked, at the edge where they lie beyond the axes.
    """
    figure, grid = new(5.2, 2, 2, sharex="col", sharey="row")
    large = sales["area"] > large_area
    targets = {"dollars": sales["price"], "log": np.log(sales["price"])}
    for row, (unit, target) in zip(grid, targets.items(), strict=True):
        plane = planes[unit]
        left = target - (plane["intercept"] + plane["area"] * sales["area"] + plane["age"] * sales["age"])
        for axes, feature in zip(row, NAMES, strict=True):
            cloud(axes, sales[feature], left)
            axes.axhline(0, color=COLOURS[0], linestyle="--", linewidth=1.4, label="plane")
            curve = curves[curves["feature"] == feature]
            axes.plot(curve["value"], curve[unit], color=COLOURS[5], linewidth=2.0, label="spline - plane")
        row[0].set_ylabel(RESIDUALS[unit])
        low, high = _limits(left, curves[unit])
        row[0].set_ylim(low, high)
        for axes, feature in zip(row, NAMES, strict=True):
            edge = 0.03 * (high - low)
            marked = (sales.loc[large, feature], left[large].clip(low + edge, high - edge))
            label = f"area > {large_area:,g}"
            axes.plot(*marked, "o", color="black", fillstyle="none", markersize=7, label=label, zorder=3)
    grid[0][0].yaxis.set_major_formatter(THOUSANDS)
    for axes, label in zip(grid[1], NAMES.values(), strict=True):
        axes.set_xlabel(label)
    return key_above(figure)


def _limits(left: "pd.Series[float]", curve: "pd.Series[float]") -> tuple[float, float]:
    tail = (1 - SHOWN) / 2
    low, high = min(left.quantile(tail), *curve), max(left.quantile(1 - tail), *curve)
    return 1.05 * low, 1.05 * high
