"""The price of a house on its area and its age, and where the plane misses it."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from dlstudy.figures.style import CLOUD, COLOURS, Figures, key_above, name_end, new
from dlstudy.study.results import Results

AREA, AGE, INTERCEPT = "area (square feet)", "age (years)", "intercept"
THOUSANDS = FuncFormatter(lambda value, _: f"{value / 1000:.0f}k" if value else "0")
CUTS = {"area": ("age", (0, 40, 100)), "age": ("area", (1000, 1500, 3000))}
NAMES = {"area": AREA, "age": AGE}

RESIDUALS: Final = {"dollars": "price - plane ($)", "log": "log price - plane"}
SHOWN: Final = 0.995
"""Share of the residuals that the axes show at least: a few houses miss by so much that the rest would be a line."""


def figures(results: Results) -> Figures:
    """The plane fitted to the houses, where one is; what it leaves of the prices."""
    if exact := results.closed_form("housing"):
        plane = results.table(exact, "coefficients").set_index("name")["value"]
        yield "housing_plane", fitted_plane(results.sales(), plane)
    facts, curves = results.experiment_facts("linearity"), results.experiment("linearity", "curves")
    yield "linearity_residuals", residuals(results.sales(), facts["planes"], curves, facts["large_area"])


def cloud(axes: Axes, x: "pd.Series[float]", y: "pd.Series[float]") -> None:
    """Every sale, grey, behind what counts."""
    axes.plot(x, y, ".", color=CLOUD, markersize=2.5, rasterized=True)


def fitted_plane(sales: pd.DataFrame, plane: "pd.Series[float]") -> Figure:
    """Every sale, and two cuts through the fitted plane: price on area at three ages, price on age at three areas.

    `plane`: dollars per square foot, dollars per year and intercept, under AREA, AGE and INTERCEPT.
    """
    figure, panels = new(3.4, 1, 2, sharey=True)
    for axes, (across, (fixed, values)) in zip(panels, CUTS.items(), strict=True):
        cloud(axes, sales[across], sales["price"])
        ends = [sales[across].min(), sales[across].max()]
        for value, colour, dashes in zip(values, (COLOURS[0], COLOURS[5], "black"), ("-", "--", "-."), strict=True):
            price = plane[INTERCEPT] + plane[NAMES[fixed]] * value
            prices = [price + plane[NAMES[across]] * each for each in ends]
            axes.plot(ends, prices, color=colour, linestyle=dashes, linewidth=1.8)
            name_end(axes, ends[1], prices[1], f"{fixed} {value:,}", colour)
        axes.set_xlabel(NAMES[across])
        axes.set_xlim(right=ends[1] + 0.38 * (ends[1] - ends[0]))
    panels[0].set_ylabel("price ($)")
    panels[0].yaxis.set_major_formatter(THOUSANDS)
    return figure


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
