"""Closed forms and their limits: the pull of extreme houses, and where descents from many starts end."""

from collections.abc import Iterator
from typing import Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlstudy.figures.housing import THOUSANDS
from dlstudy.figures.style import COLOURS
from dlstudy.study.results import Results

NAME: Final = "linear_theory"
LOSSES: Final = {"squared": COLOURS[0], "absolute": COLOURS[5]}
HOUSES: Final = {"all": ("-", "all houses"), "without large": ("--", "without the large ones")}
STARTS: Final = {
    "zeros": (COLOURS[6], "-"),
    "pytorch": (COLOURS[0], "--"),
    "xavier": (COLOURS[2], "-."),
    "he": (COLOURS[3], ":"),
    "wide": (COLOURS[5], "-"),
}
LEAST: Final = 1e-17  # a distance of 0 has no place on a logarithmic axis


def extreme_houses(sales: pd.DataFrame, coefficients: pd.DataFrame, large_area: float) -> Figure:
    """The four fitted lines of price on area, at the median age, among the sales; how far each slope moves.

    coefficients: a row a loss, set of houses and name, with its value.
    """
    values = coefficients.set_index(["loss", "houses", "name"])["value"].sort_index()
    figure = Figure(figsize=(8.2, 3.6))
    left, right = figure.subplots(1, 2, width_ratios=(1.7, 1))
    _draw_lines(left, sales, values, large_area)
    _draw_moves(right, values)
    return figure


def _draw_lines(axes: Axes, sales: pd.DataFrame, values: "pd.Series[float]", large_area: float) -> None:
    large = sales["area"] > large_area
    axes.plot(sales["area"][~large], sales["price"][~large], ".", color="#b0b0b0", markersize=2.5, rasterized=True)
    axes.plot(
        sales["area"][large], sales["price"][large], "s", color="#000000", markersize=5, fillstyle="none", label="large"
    )
    age, ends = sales["age"].median(), (sales["area"].min(), sales["area"].max())
    for loss, colour in LOSSES.items():
        for houses, (dashes, words) in HOUSES.items():
            slope, by_age, intercept = (values[loss, houses, name] for name in ("area", "age", "intercept"))
            prices = [intercept + slope * area + by_age * age for area in ends]
            axes.plot(ends, prices, color=colour, linestyle=dashes, linewidth=1.6, label=f"{loss} loss, {words}")
    axes.yaxis.set_major_formatter(THOUSANDS)
    axes.set(xlabel="area (square feet)", ylabel="price (dollars)", title=f"Fits at an age of {age:g} years")
    axes.legend(fontsize=7, loc="upper left", frameon=True, framealpha=0.85, edgecolor="none")


def _draw_moves(axes: Axes, values: "pd.Series[float]") -> None:
    for row, (loss, colour) in enumerate(LOSSES.items()):
        for column, name in enumerate(("area", "age")):
            move = 100 * (values[loss, "without large", name] / values[loss, "all", name] - 1)
            place = column + 0.36 * (row - 0.5)
            axes.bar(place, move, width=0.32, color=colour, hatch="//" if row else "", edgecolor="white")
            text = f"{move:+.2f}"
            axes.annotate(text, (place, max(move, 0)), (0, 2), textcoords="offset points", ha="center", fontsize=8)
    axes.axhline(0, color="#000000", linewidth=0.8)
    axes.set_xticks([0, 1], ["slope on area", "slope on age"])
    axes.grid(visible=False, axis="x")
    axes.margins(y=0.15)
    axes.set(ylabel="move (percent)", title="When the large houses are left out")
    for loss, colour in LOSSES.items():
        axes.bar(0, 0, color=colour, hatch="//" if loss == "absolute" else "", edgecolor="white", label=f"{loss} loss")
    axes.legend(fontsize=8)


def many_starts(starts: pd.DataFrame, paths: pd.DataFrame, minima: pd.DataFrame) -> Figure:
    """Descents of the linear model from every start, by distance from the optimum; those of the perceptron, by loss;
    the losses of its minima.

    starts: a row an initialiser, seed and step, with the distance. paths: a row a start and step, with the loss.
    minima: a row a seed, with the loss where Newton's method took its descent.
    """
    figure = Figure(figsize=(8.2, 3.6))
    left, middle, right = figure.subplots(1, 3, width_ratios=(1.2, 1.2, 0.9))
    _draw_linear(left, starts)
    _draw_perceptron(middle, paths)
    _draw_minima(right, minima)
    return figure


def _draw_linear(axes: Axes, starts: pd.DataFrame) -> None:
    for init, (colour, dashes) in STARTS.items():
        for index, (_, run) in enumerate(starts[starts["init"] == init].groupby("seed")):
            distance = run["distance"].clip(lower=LEAST)
            label = init if index == 0 else None
            axes.plot(run["step"], distance, color=colour, linestyle=dashes, linewidth=1, alpha=0.7, label=label)
    axes.set_xscale("symlog", linthresh=1)
    axes.set_yscale("log")
    axes.set(xlabel="step of descent", ylabel="relative distance from the optimum", title="Linear model")
    axes.legend(title="initial values", fontsize=8)


def _draw_perceptron(axes: Axes, paths: pd.DataFrame) -> None:
    seen = set()
    for start, run in paths.groupby("start", sort=False):
        random = str(start).startswith("seed")
        label = "random start" if random else "equal start"
        axes.plot(
            run["step"],
            run["loss"],
            color=COLOURS[0] if random else COLOURS[5],
            linestyle="-" if random else "--",
            linewidth=1,
            label=None if label in seen else label,
        )
        seen.add(label)
    axes.set_xscale("symlog", linthresh=1)
    axes.set_yscale("log")
    ticks = (0.1, 0.2, 0.5, 1, 2, 5, 10)
    axes.set_yticks(ticks, [f"{value:g}" for value in ticks])
    axes.minorticks_off()
    axes.set(xlabel="step of descent", ylabel="loss (standardised prices)", title="Perceptron")
    axes.legend(fontsize=8)


def _draw_minima(axes: Axes, minima: pd.DataFrame) -> None:
    ordered = minima.sort_values("loss")
    places = range(len(ordered))
    axes.plot(places, ordered["loss"], "o", color=COLOURS[0])
    axes.set_xticks(places, [str(seed) for seed in ordered["seed"]])
    axes.grid(visible=False, axis="x")
    axes.set(xlabel="seed", ylabel="loss at the minimum", title="Perceptron's minima")


def figures(results: Results) -> Iterator[tuple[str, Figure]]:
    """Each figure with the name of its file, without the ending."""
    coefficients = results.experiment(NAME, "coefficients")
    large_area = results.experiment_facts(NAME)["losses"]["large_area"]
    yield "extreme_houses", extreme_houses(results.sales(), coefficients, large_area)
    minima = results.experiment(NAME, "minima")
    yield "many_starts", many_starts(results.experiment(NAME, "starts"), results.experiment(NAME, "paths"), minima)
