"""The price of a house on its area and its age."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from dlstudy.figures.style import COLOURS

AREA, AGE, INTERCEPT = "area (square feet)", "age (years)", "intercept"
THOUSANDS = FuncFormatter(lambda value, _: f"{value / 1000:.0f}k" if value else "0")


def fitted_plane(sales: pd.DataFrame, plane: Mapping[str, float], num_fitted: int) -> Figure:
    """Every sale, and two cuts through the fitted plane: price on area at three ages, price on age at three areas.

    `plane`: dollars per square foot, dollars per year and intercept, under AREA, AGE and INTERCEPT.
    `num_fitted`: how many sales it was fitted to.
    """
    figure = Figure(figsize=(8.2, 3.6))
    left, right = figure.subplots(1, 2, sharey=True)
    for axes, column in ((left, "area"), (right, "age")):
        axes.plot(sales[column], sales["price"], ".", color="#b0b0b0", markersize=2.5, rasterized=True)
        axes.yaxis.set_major_formatter(THOUSANDS)
    ends = [sales["area"].min(), sales["area"].max()]
    for age, colour, dashes in zip((0, 40, 100), COLOURS, ("-", "--", ":"), strict=False):
        prices = [plane[INTERCEPT] + plane[AREA] * area + plane[AGE] * age for area in ends]
        left.plot(ends, prices, color=colour, linestyle=dashes, linewidth=1.8, label=f"age {age} years")
    ends = [sales["age"].min(), sales["age"].max()]
    for area, colour, dashes in zip((1000, 1500, 3000), COLOURS, ("-", "--", ":"), strict=False):
        prices = [plane[INTERCEPT] + plane[AREA] * area + plane[AGE] * age for age in ends]
        right.plot(ends, prices, color=colour, linestyle=dashes, linewidth=1.8, label=f"{area:,} square feet")
    left.set(xlabel=AREA, ylabel="price (dollars)")
    right.set(xlabel=AGE)
    left.legend()
    right.legend()
    figure.suptitle(f"{len(sales):,} sales in Ames; cuts through the plane fitted to {num_fitted:,} of them")
    return figure
