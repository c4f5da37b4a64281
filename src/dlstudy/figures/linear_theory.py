"""Closed forms and their limits: the pull of extreme houses, and where descents from many starts end."""

from typing import Final

import pandas as pd
from matplotlib.figure import Figure

from dlstudy.figures.housing import AREA, THOUSANDS, cloud
from dlstudy.figures.style import COLOURS, Figures, new
from dlstudy.study.results import Results

NAME: Final = "linear_theory"
LOSSES: Final = {"squared": (COLOURS[0], r"$(y-\hat{y})^2$"), "absolute": (COLOURS[5], r"$|y-\hat{y}|$")}
HOUSES: Final = {"all": "-", "without large": "--"}
LEAST: Final = 1e-17  # a distance of 0 has no place on a logarithmic axis


def figures(results: Results) -> Figures:
    coefficients = results.experiment(NAME, "coefficients")
    large_area = results.experiment_facts(NAME)["losses"]["large_area"]
    yield "extreme_houses", extreme_houses(results.sales(), coefficients, large_area)
    yield "many_starts", many_starts(results.experiment(NAME, "starts"), results.experiment(NAME, "minima"))


def extreme_houses(sales: pd.DataFrame, coefficients: pd.DataFrame, large_area: float) -> Figure:
    """The fitted lines of price on area, at the median age, with and without the large houses; a panel a loss.

    coefficients: a row a loss, set of houses and name, with its value. Above each panel: how far the slope moves.
    """
    values = coefficients.set_index(["loss", "houses", "name"])["value"].sort_index()
    figure, panels = new(3.4, 1, 2, sharey=True)
    large, age = sales["area"] > large_area, sales["age"].median()
    ends = (sales["area"].min(), sales["area"].max())
    for axes, (loss, (colour, symbol)) in zip(panels, LOSSES.items(), strict=True):
        cloud(axes, sales["area"][~large], sales["price"][~large])
        axes.plot(sales["area"][large], sales["price"][large], "s", color="black", markersize=6, fillstyle="none")
        for houses, dashes in HOUSES.items():
            slope, by_age, intercept = (values[loss, houses, name] for name in ("area", "age", "intercept"))
            prices = [intercept + slope * area + by_age * age for area in ends]
            axes.plot(ends, prices, color=colour, linestyle=dashes, linewidth=1.8)
        move = 100 * (values[loss, "without large", "area"] / values[loss, "all", "area"] - 1)
        axes.set(xlabel=AREA, title=f"{symbol}: {move:+.2f} %")
    panels[0].set_ylabel("price ($)")
    panels[0].yaxis.set_major_formatter(THOUSANDS)
    return figure


def many_starts(starts: pd.DataFrame, minima: pd.DataFrame) -> Figure:
    """Left: how far every descent of the linear model is from the optimum; right: the losses of an MLP's minima.

    starts: a row an initialiser, seed and step, with the distance. minima: a row a seed, with the loss where Newton's
    method took its descent.
    """
    figure, (left, right) = new(3.0, 1, 2)
    for _, run in starts.groupby(["init", "seed"]):
        left.plot(run["step"], run["distance"].clip(lower=LEAST), color=COLOURS[0], linewidth=1, alpha=0.4)
    left.set_xscale("symlog", linthresh=1)
    left.set_xticks([0, 1, 10, 100], ["0", "1", "10", "100"])
    left.set(yscale="log", xlabel="step", ylabel=r"$\|w - w^*\| / \|w^*\|$", title="linear")
    losses = sorted(minima["loss"])
    right.plot(range(1, len(losses) + 1), losses, "o", color=COLOURS[5])
    right.set_xticks(range(1, len(losses) + 1))
    right.grid(visible=False, axis="x")
    right.set(xlabel="minimum", ylabel="loss", title="MLP")
    return figure
