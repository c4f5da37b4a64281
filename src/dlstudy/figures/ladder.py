"""The ladder: activations against ReLU by budget and depth, which networks train, and what policies lose."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from dlstudy.figures.style import COLOURS
from dlstudy.judging.statistics import t_interval
from dlstudy.study.ladder import RELU, Cell, Ladder
from dlstudy.study.results import Results

IN_COLOUR: Final = {"tanh": COLOURS[0], "sigmoid": COLOURS[5], "gelu": COLOURS[2], "identity": COLOURS[3]}
"""The activations that lines are coloured for; all others are grey and named at their ends."""

GREY: Final = "#a8a8a8"
LINEAR_TO: Final = 2.0  # points up to which the axis of differences is linear


def figures(results: Results) -> Iterator[tuple[str, Figure]]:
    """Each figure with the name of its file, without the ending."""
    ladder = Ladder(results)
    yield "ladder_trains", who_trains(ladder)
    yield "ladder_regrets", regret_by_cell(ladder)
    yield "ladder_rates", rates(pd.concat([results.ladder(name, "tuning") for name in ladder.activations]))


def layers(depth: int) -> str:
    return "1 hidden layer" if depth == 1 else f"{depth} hidden layers"


def against_relu(ladder: Ladder, margin: float, confidence: float) -> Figure:
    """Each activation less ReLU in points of test accuracy, by budget; a panel a depth, the margin as a band."""
    depths = list(dict.fromkeys(cell.depth for cell in ladder.cells))
    figure = Figure(figsize=(8.2, 4.6))
    panels = figure.subplots(1, len(depths), sharey=True, squeeze=False)[0]
    budgets = sorted({cell.budget for cell in ladder.cells})
    for axes, depth in zip(panels, depths, strict=True):
        cells = [cell for cell in ladder.cells if cell.depth == depth]
        axes.axhspan(-margin, margin, color="#e4e4e4", zorder=0)
        axes.axhline(0, color="black", linewidth=1.5)
        for name in ladder.activations:
            if name != RELU:
                draw_differences(axes, ladder, name, cells, confidence)
        budget_axis(axes, budgets)
        axes.set_title(layers(depth), fontsize=9)
    difference_axis(panels[0])
    for name in (each for each in ladder.activations if each != RELU):
        colour = IN_COLOUR.get(name, GREY)
        panels[0].plot([], [], "-o" if name in IN_COLOUR else "-", color=colour, markersize=4, label=name)
    figure.legend(loc="outside lower center", ncols=6)
    figure.suptitle(
        f"Test accuracy less ReLU's, in points (band: ±{margin:g} points; bars: {100 * confidence:g} % intervals)"
    )
    return figure


def draw_differences(axes: Axes, ladder: Ladder, name: str, cells: list[Cell], confidence: float) -> None:
    found = [t_interval(ladder.points(name, RELU, cell).tolist(), confidence) for cell in cells]
    x, y = [cell.budget for cell in cells], [each.estimate for each in found]
    colour = IN_COLOUR.get(name, GREY)
    bars = [[each.estimate - each.low for each in found], [each.high - each.estimate for each in found]]
    if name in IN_COLOUR:
        axes.errorbar(x, y, yerr=bars, color=colour, marker="o", markersize=4, linewidth=1.4, capsize=2)
    else:
        axes.plot(x, y, color=colour, linewidth=1, zorder=1)
        axes.annotate(name, (x[-1], y[-1]), xytext=(3, 0), textcoords="offset points", fontsize=6, color="#707070")


def budget_axis(axes: Axes, budgets: list[float]) -> None:
    axes.set_xscale("log", base=2)
    axes.set_xticks(budgets, [f"{budget:g}" for budget in budgets])
    axes.set_xlim(budgets[0] / 1.5, budgets[-1] * 2)
    axes.minorticks_off()
    axes.set_xlabel("epochs")


def difference_axis(axes: Axes) -> None:
    """Points, linear near 0 and logarithmic beyond: networks that do not train are scores of points behind."""
    axes.set_yscale("symlog", linthresh=LINEAR_TO, linscale=2)
    ticks = [-80, -20, -5, -2, -1, 0, 1, 2, 5, 10]
    axes.set_yticks(ticks, [f"{tick:+d}" if tick else "0" for tick in ticks])
    axes.set_ylim(-100, 12)
    axes.set_ylabel("points of test accuracy")


def who_trains(ladder: Ladder) -> Figure:
    """The share of seeds that train, cells by activations."""
    shares = np.array(
        [
            [ladder.num_trained(name, cell) / len(ladder.scores(name, cell)) for name in ladder.activations]
            for cell in ladder.cells
        ]
    )
    figure = Figure(figsize=(7.0, 0.9 + 0.34 * len(ladder.cells)))
    axes = figure.subplots()
    shades = ListedColormap([str(1 - 0.75 * step / 10) for step in range(11)])
    axes.imshow(shares, cmap=shades, vmin=0, vmax=1, aspect="auto")
    for row, column in np.ndindex(shares.shape):
        share = shares[row, column]
        axes.text(
            column,
            row,
            f"{share:.0%}".replace("%", " %"),
            ha="center",
            va="center",
            fontsize=7,
            color="white" if share > 0.5 else "black",
        )
    axes.set_xticks(range(len(ladder.activations)), ladder.activations)
    axes.set_yticks(range(len(ladder.cells)), [str(cell) for cell in ladder.cells])
    axes.grid(visible=False)
    axes.xaxis.tick_top()
    axes.set_title(f"Share of seeds that reach a validation accuracy of {ladder.trainable:g}")
    return figure


def regret_by_cell(ladder: Ladder) -> Figure:
    """What each policy loses to trying all, in every cell in which anything trains; the diamond is the mean."""
    table = ladder.regrets()
    policies = [column for column in table if column not in ("depth", "budget", "seed")]
    means = table.groupby(["depth", "budget"])[policies].mean()
    order = means.mean().sort_values().index
    figure = Figure(figsize=(8.2, 0.8 + 0.36 * len(order)))
    axes = figure.subplots()
    for place, policy in enumerate(order):
        axes.plot(means[policy], [place] * len(means), "o", color=COLOURS[0], markersize=4, alpha=0.6)
        axes.plot(means[policy].mean(), place, "D", color="black", markersize=6)
    axes.set_yticks(range(len(order)), order)
    axes.invert_yaxis()
    axes.set_xscale("symlog", linthresh=LINEAR_TO, linscale=2)
    axes.set_xticks([0, 1, 2, 5, 20, 80], ["0", "1", "2", "5", "20", "80"])
    axes.set_xlim(-0.5, 100)
    axes.set_xlabel("points of test accuracy lost to trying all; a dot a cell, the diamond their mean")
    return figure


def rates(tuning: pd.DataFrame) -> Figure:
    """Validation accuracy by learning rate at the shortest budget, the better of the initialisers; a panel a depth."""
    shortest = tuning["budget"].min()
    rows = tuning[tuning["budget"] == shortest]
    depths = sorted(rows["depth"].unique())
    figure = Figure(figsize=(8.2, 3.4))
    panels = figure.subplots(1, len(depths), sharey=True, squeeze=False)[0]
    for axes, depth in zip(panels, depths, strict=True):
        for name, own in rows[rows["depth"] == depth].groupby("activation", sort=False):
            best = own.groupby(["init", "lr"])["validation_accuracy"].mean().groupby("lr").max()
            colour = IN_COLOUR.get(str(name), "black" if name == RELU else GREY)
            axes.plot(best.index, best, "-o", color=colour, markersize=2.5, linewidth=1, label=str(name))
            mark_divergence(axes, own, colour)
        axes.set(xscale="log", xlabel="learning rate")
        axes.set_title(layers(int(depth)), fontsize=9)
    panels[0].set_ylabel("validation accuracy, mean of tuning seeds")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=8, fontsize=8)
    figure.suptitle(f"Tuning at {shortest:g} epochs (crosses: some seed diverged)")
    return figure


def mark_divergence(axes: Axes, own: pd.DataFrame, colour: str) -> None:
    """A cross at the foot for every rate with which a seed diverged, whatever the initialiser."""
    diverged = sorted(set(own.loc[own["diverged"], "lr"]))
    axes.plot(diverged, [0.02] * len(diverged), "x", color=colour, markersize=4)
