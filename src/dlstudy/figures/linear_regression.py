"""The price of a house on its area and age: where the plane misses it, what extreme houses do, where descents end."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlstudy.figures.style import CLOUD, COLOURS, THOUSANDS, Figures, key_above, name_end, new
from dlstudy.study.results import Results

NAMES = {"area": "area (square feet)", "age": "age (years)"}
CUTS = {"area": ("age", (0, 40, 100)), "age": ("area", (1000, 1500, 3000))}

RESIDUALS: Final = {"dollars": "price - plane ($)", "log": "log price - plane"}
SHOWN: Final = 0.995  # of the residuals, at least: a few houses miss by so much that the rest would be a line
LOSSES: Final = {"squared": (COLOURS[0], r"$(y-\hat{y})^2$"), "absolute": (COLOURS[5], r"$|y-\hat{y}|$")}


def figures(results: Results) -> Figures:
    sales = results.sales()
    if exact := results.closed_form("housing"):  # where a plane is fitted
        plane = results.table(exact, "coefficients").set_index("name")["value"]
        yield "housing_plane", fitted_plane(sales, plane)
    facts, curves = results.experiment_facts("linearity"), results.experiment("linearity", "curves")
    yield "linearity_residuals", residuals(sales, facts["planes"], curves, facts["large_area"])
    table = partial(results.experiment, "linear_theory")
    large_area = results.experiment_facts("linear_theory")["losses"]["large_area"]
    yield "extreme_houses", extreme_houses(sales, table("coefficients"), large_area)
    yield "many_starts", many_starts(table("starts"), table("minima"))


def cloud(axes: Axes, x: "pd.Series[float]", y: "pd.Series[float]") -> None:
    """Every sale, grey, behind what counts."""
    axes.plot(x, y, ".", color=CLOUD, markersize=2.5, rasterized=True)


def price_panels() -> tuple[Figure, Sequence[Axes]]:
    figure, panels = new(3.4, 1, 2, sharey=True)
    panels[0].set_ylabel("price ($)")
    panels[0].yaxis.set_major_formatter(THOUSANDS)
    return figure, panels


def fitted_plane(sales: pd.DataFrame, plane: "pd.Series[float]") -> Figure:
    """Every sale, and two cuts through the fitted plane: price on area at three ages, price on age at three areas.

    `plane`: dollars per square foot and per year, under NAMES, and "intercept".
    """
    figure, panels = price_panels()
    for axes, (across, (fixed, values)) in zip(panels, CUTS.items(), strict=True):
        cloud(axes, sales[across], sales["price"])
        ends = sales[across].agg(["min", "max"]).to_numpy()
        for value, colour, dashes in zip(values, (COLOURS[0], COLOURS[5], "black"), ("-", "--", "-."), strict=True):
            prices = plane["intercept"] + plane[NAMES[fixed]] * value + plane[NAMES[across]] * ends
            axes.plot(ends, prices, color=colour, linestyle=dashes, linewidth=1.8)
            name_end(axes, ends[1], prices[1], f"{fixed} {value:,}", colour)
        axes.set(xlabel=NAMES[across], xlim=(None, ends[1] + 0.38 * (ends[1] - ends[0])))
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
        low = 1.05 * min(left.quantile((1 - SHOWN) / 2), *curves[unit])
        high = 1.05 * max(left.quantile((1 + SHOWN) / 2), *curves[unit])
        edge = 0.03 * (high - low)
        row[0].set(ylabel=RESIDUALS[unit], ylim=(low, high))
        for axes, feature in zip(row, NAMES, strict=True):
            cloud(axes, sales[feature], left)
            axes.axhline(0, color=COLOURS[0], linestyle="--", linewidth=1.4, label="plane")
            curve = curves[curves["feature"] == feature]
            axes.plot(curve["value"], curve[unit], color=COLOURS[5], linewidth=2.0, label="spline - plane")
            marked = (sales.loc[large, feature], left[large].clip(low + edge, high - edge))
            label = f"area > {large_area:,g}"
            axes.plot(*marked, "o", color="black", fillstyle="none", markersize=7, label=label, zorder=3)
            axes.set_xlabel(NAMES[feature] if axes in grid[1] else "")
    grid[0][0].yaxis.set_major_formatter(THOUSANDS)
    return key_above(figure)


def extreme_houses(sales: pd.DataFrame, coefficients: pd.DataFrame, large_area: float) -> Figure:
    """The fitted lines of price on area, at the median age, with and without the large houses; a panel a loss.

    coefficients: a row a loss, set of houses and name, with its value. Above each panel: how far the slope moves.
    """
    values = coefficients.set_index(["loss", "houses", "name"])["value"].sort_index()
    figure, panels = price_panels()
    large, age = sales["area"] > large_area, sales["age"].median()
    ends = sales["area"].agg(["min", "max"]).to_numpy()
    for axes, (loss, (colour, symbol)) in zip(panels, LOSSES.items(), strict=True):
        cloud(axes, sales["area"][~large], sales["price"][~large])
        axes.plot(sales["area"][large], sales["price"][large], "s", color="black", markersize=6, fillstyle="none")
        for houses, dashes in (("all", "-"), ("without large", "--")):
            of = values[loss, houses]
            axes.plot(ends, of["intercept"] + of["area"] * ends + of["age"] * age, dashes, color=colour, linewidth=1.8)
        move = 100 * (values[loss, "without large", "area"] / values[loss, "all", "area"] - 1)
        axes.set(xlabel=NAMES["area"], title=f"{symbol}: {move:+.2f} %")
    return figure


def many_starts(starts: pd.DataFrame, minima: pd.DataFrame) -> Figure:
    """Left: how far every descent of the linear model is from the optimum; right: the losses of an MLP's minima.

    starts: a row an initialiser, seed and step, with the distance; minima: a row a seed, with the loss.
    """
    figure, (left, right) = new(3.0, 1, 2)
    for _, run in starts.groupby(["init", "seed"]):
        visible = run["distance"].clip(lower=1e-17)  # a distance of 0 has no place on a logarithmic axis
        left.plot(run["step"], visible, color=COLOURS[0], linewidth=1, alpha=0.4)
    left.set_xscale("symlog", linthresh=1)
    left.set_xticks([0, 1, 10, 100], ["0", "1", "10", "100"])
    left.set(yscale="log", xlabel="step", ylabel=r"$\|w - w^*\| / \|w^*\|$", title="linear")
    places = range(1, len(minima) + 1)
    right.plot(places, sorted(minima["loss"]), "o", color=COLOURS[5])
    right.set_xticks(places)
    right.grid(visible=False, axis="x")
    right.set(xlabel="minimum", ylabel="loss", title="MLP")
    return figure
