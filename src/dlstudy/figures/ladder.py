"""The ladder: activations against ReLU by budget and depth, which networks train, and what policies lose."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from dlstudy.figures.style import BAND, COLOURS, GREY, SMALL, Figures, new
from dlstudy.judging.statistics import t_interval
from dlstudy.study.ladder import RELU, Cell, Ladder
from dlstudy.study.results import Results

IN_COLOUR: Final = {"tanh": COLOURS[0], "sigmoid": COLOURS[5], "gelu": COLOURS[2], "silu": COLOURS[3]}
"""The activations that lines are coloured for; all others are grey and differ by their dashes."""

DASHES: Final = {"identity": ":", "leaky_relu": "--", "elu": "-."}
NUM_COLUMNS: Final = 3
LINEAR_TO: Final = 2.0  # points up to which the axis of differences is linear


def figures(results: Results) -> Figures:
    ladder = Ladder(results)
    yield "ladder_trains", who_trains(ladder)
    yield "ladder_regrets", regret_by_cell(ladder)
    yield "ladder_rates", rates(pd.concat([results.ladder(name, "tuning") for name in ladder.activations]))


def look(name: str) -> dict[str, Any]:
    """How the line of an activation is drawn."""
    if name in IN_COLOUR:
        return {"color": IN_COLOUR[name], "marker": "o", "markersize": 4, "linewidth": 1.6}
    return {"color": "black" if name == RELU else GREY, "linestyle": DASHES.get(name, "-"), "linewidth": 1.2}


def panels_by_depth(depths: Sequence[int], names: Sequence[str]) -> tuple[Figure, list[Axes]]:
    """A figure with a panel for each depth, and one that names the lines; and the panels of the depths."""
    figure, grid = new(5.2, len(depths) // NUM_COLUMNS + 1, NUM_COLUMNS, sharey=True, squeeze=False)
    grid = list(grid.flat)
    for axes, depth in zip(grid, depths, strict=False):
        axes.set_title(f"depth {depth}")
    for axes in grid[len(depths) :]:
        axes.axis("off")
    for name in names:
        grid[len(depths)].plot([], [], label=name, **look(name))
    grid[len(depths)].legend(loc="center")
    return figure, grid[: len(depths)]


def against_relu(ladder: Ladder, margin: float, confidence: float) -> Figure:
    """Each activation less ReLU in points of test accuracy, by budget; a panel a depth, the margin as a band."""
    depths = list(dict.fromkeys(cell.depth for cell in ladder.cells))
    rivals = [name for name in ladder.activations if name != RELU]
    budgets = sorted({cell.budget for cell in ladder.cells})
    figure, panels = panels_by_depth(depths, rivals)
    for axes, depth in zip(panels, depths, strict=True):
        cells = [cell for cell in ladder.cells if cell.depth == depth]
        axes.axhspan(-margin, margin, color=BAND, zorder=0)
        axes.axhline(0, color="black", linewidth=1.5)
        for name in rivals:
            draw_differences(axes, ladder, name, cells, confidence)
        budget_axis(axes, budgets)
    for axes in panels[::NUM_COLUMNS]:
        difference_axis(axes)
    return figure


def draw_differences(axes: Axes, ladder: Ladder, name: str, cells: list[Cell], confidence: float) -> None:
    found = [t_interval(ladder.points(name, RELU, cell).tolist(), confidence) for cell in cells]
    x, y = [cell.budget for cell in cells], [each.estimate for each in found]
    if name in IN_COLOUR:
        bars = [[each.estimate - each.low for each in found], [each.high - each.estimate for each in found]]
        axes.errorbar(x, y, yerr=bars, capsize=2, **look(name))
    else:
        axes.plot(x, y, zorder=1, **look(name))


def budget_axis(axes: Axes, budgets: list[float]) -> None:
    axes.set_xscale("log", base=2)
    axes.set_xticks(budgets, [f"{budget:g}" for budget in budgets])
    axes.set(xlim=(budgets[0] / 1.5, budgets[-1] * 2), xlabel="epochs")
    axes.minorticks_off()


def difference_axis(axes: Axes) -> None:
    """Points, linear near 0 and logarithmic beyond: networks that do not train are scores of points behind."""
    axes.set_yscale("symlog", linthresh=LINEAR_TO, linscale=2)
    ticks = [-80, -10, -2, -1, 0, 1, 2, 10]
    axes.set_yticks(ticks, [f"{tick:+d}" if tick else "0" for tick in ticks])
    axes.set(ylim=(-100, 12), ylabel="Δ accuracy (points)")


def who_trains(ladder: Ladder) -> Figure:
    """The share of seeds that train, in percent: cells by activations."""
    shares = np.array(
        [
            [ladder.num_trained(name, cell) / len(ladder.scores(name, cell)) for name in ladder.activations]
            for cell in ladder.cells
        ]
    )
    figure, axes = new(0.9 + 0.28 * len(ladder.cells))
    shades = ListedColormap([str(1 - 0.75 * step / 10) for step in range(11)])
    axes.imshow(shares, cmap=shades, vmin=0, vmax=1, aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        shade = "white" if share > 0.5 else "black"
        axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=SMALL, color=shade)
    axes.set_xticks(range(len(ladder.activations)), ladder.activations)
    axes.set_yticks(range(len(ladder.cells)), [f"{cell.depth} / {cell.budget:g}" for cell in ladder.cells])
    axes.set_ylabel("depth / epochs")
    axes.grid(visible=False)
    axes.xaxis.tick_top()
    return figure


def regret_by_cell(ladder: Ladder) -> Figure:
    """What each policy loses to trying all, in every cell in which anything trains; the diamond is the mean."""
    means = ladder.regrets().drop(columns="seed").groupby(["depth", "budget"]).mean()
    order = means.mean().sort_values().index
    figure, axes = new(0.8 + 0.32 * len(order))
    for place, policy in enumerate(order):
        axes.plot(means[policy], [place] * len(means), "o", color=COLOURS[0], markersize=4, alpha=0.6)
        axes.plot(means[policy].mean(), place, "D", color="black", markersize=6)
    axes.set_yticks(range(len(order)), order)
    axes.invert_yaxis()
    axes.set_xscale("symlog", linthresh=LINEAR_TO, linscale=2)
    axes.set_xticks([0, 1, 2, 5, 20, 80], ["0", "1", "2", "5", "20", "80"])
    axes.set(xlim=(-0.5, 100), xlabel="points lost")
    return figure


def rates(tuning: pd.DataFrame) -> Figure:
    """Validation accuracy by learning rate at the shortest budget, the better of the initialisers; a panel a depth.

    Rates with which a seed diverged are crosses at the foot, a row of them for each activation.
    """
    rows = tuning[tuning["budget"] == tuning["budget"].min()]
    depths, names = sorted(rows["depth"].unique()), list(rows["activation"].unique())
    figure, panels = panels_by_depth(depths, names)
    for axes, depth in zip(panels, depths, strict=True):
        for place, name in enumerate(names):
            own = rows[(rows["depth"] == depth) & (rows["activation"] == name)]
            diverged = set(own.loc[own["diverged"], "lr"])
            best = own.groupby(["init", "lr"])["validation_accuracy"].mean().groupby("lr").max().drop(diverged)
            axes.plot(best.index, best, **look(name))
            axes.plot(sorted(diverged), [-0.03 - 0.025 * place] * len(diverged), "x", color=look(name)["color"], ms=3)
        axes.set(xscale="log", xlabel="learning rate", ylim=(-0.05 - 0.025 * len(names), 1))
        axes.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1])
    for axes in panels[::NUM_COLUMNS]:
        axes.set_ylabel("validation accuracy")
    return figure
