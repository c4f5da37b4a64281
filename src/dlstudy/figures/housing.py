"""The price of a house on its area and its age."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from dlstudy.figures.style import CLOUD, COLOURS, Figures, name_end, new
from dlstudy.study.results import Results

AREA, AGE, INTERCEPT = "area (square feet)", "age (years)", "intercept"
THOUSANDS = FuncFormatter(lambda value, _: f"{value / 1000:.0f}k" if value else "0")
CUTS = {"area": ("age", (0, 40, 100)), "age": ("area", (1000, 1500, 3000))}
NAMES = {"area": AREA, "age": AGE}


def figures(results: Results) -> Figures:
    """The plane fitted to the houses, where one is."""
    if exact := results.closed_form("housing"):
        plane = results.table(exact, "coefficients").set_index("name")["value"]
        yield "housing_plane", fitted_plane(results.sales(), plane)


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
