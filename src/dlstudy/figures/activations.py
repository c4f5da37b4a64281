"""Activations: their slopes, who uses which, and the ladder: each against ReLU by budget and depth."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from dlstudy.figures.style import BAND, COLOURS, GREY, SMALL, Figures, key_above, new, signed_ticks, write_cells
from dlstudy.judging.statistics import t_interval
from dlstudy.study.ladder import RELU, Ladder
from dlstudy.study.results import Results

INPUTS: Final = np.linspace(-5, 5, 1001)  # of the slopes

MARKS: Final = {
    "relu": (COLOURS[0], "o"),
    "silu": (COLOURS[1], "^"),
    "gelu": (COLOURS[5], "v"),
    "relu6": (GREY, "s"),
    "hardswish": (GREY, "D"),
}
OTHER_MARK: Final = (GREY, "X")  # an activation that leads nowhere yet

IN_COLOUR: Final = {"tanh": COLOURS[0], "sigmoid": COLOURS[5], "gelu": COLOURS[2], "silu": COLOURS[3]}  # others: grey
DASHES: Final = {"identity": ":", "leaky_relu": "--", "elu": "-."}
NUM_COLUMNS: Final = 3
LINEAR_TO: Final = 2.0  # points up to which the axis of differences is linear


def figures(results: Results) -> Figures:
    ladder = Ladder.of(results)
    yield "activation_slopes", slopes()
    yield "ladder_trains", who_trains(ladder)
    yield "ladder_regrets", regret_by_cell(ladder)
    yield "ladder_rates", rates(pd.concat([results.ladder(name, "tuning") for name in ladder.activations]))


def slopes() -> Figure:
    """Sigmoid, tanh and ReLU, each above its slope."""
    figure, grid = new(3.5, 2, 3, sharex=True, sharey="row")
    for (above, below), (name, (values, slope)) in zip(grid.T, curves(INPUTS).items(), strict=True):
        above.plot(INPUTS, values, color=COLOURS[0], linewidth=2)
        below.plot(INPUTS, slope, color=COLOURS[5], linewidth=2)
        above.set_title(name)
        below.set_xlabel("$x$")
    grid[0, 0].set(ylabel=r"$\phi(x)$", ylim=(-1.15, 2))
    grid[1, 0].set(ylabel=r"$\phi'(x)$", ylim=(-0.05, 1.1))
    grid[1, 0].set_yticks((0, 0.25, 0.5, 1), ["0", "1/4", "1/2", "1"])
    return figure


def curves(x: "np.ndarray[Any, Any]") -> dict[str, tuple["np.ndarray[Any, Any]", "np.ndarray[Any, Any]"]]:
    """By name: the activation of x and its slope there."""
    sigmoid, tanh = 1 / (1 + np.exp(-x)), np.tanh(x)
    smooth = {"sigmoid": (sigmoid, sigmoid * (1 - sigmoid)), "tanh": (tanh, 1 - tanh**2)}
    return smooth | {"ReLU": (np.maximum(x, 0), (x > 0).astype(float))}


def timeline(families: pd.DataFrame, *, since: int) -> Figure:
    """A row per year: a marker and a name for each family, with its number of builders; the years of "today" shaded."""
    first, last = families["year"].min(), max(families["year"].max(), since)
    ordered = families.sort_values(["year", "activation", "family"])
    ordered = ordered.assign(place=ordered.groupby("year").cumcount())
    figure, axes = new(0.6 + 0.3 * (last - first + 1))
    num_of = ordered["activation"].value_counts()
    for name in sorted(num_of.index, key=lambda name: ([*MARKS, name].index(name), name)):
        own = ordered[ordered["activation"] == name]
        colour, marker = MARKS.get(name, OTHER_MARK)
        axes.plot(own["place"], own["year"], marker, color=colour, markersize=8, label=f"{name} ({num_of[name]})")
    for row in ordered.itertuples():
        caption = f"{row.family} ({row.num_builders})"
        axes.annotate(caption, (row.place, row.year), (7, 0), textcoords="offset points", va="center", fontsize=SMALL)
    axes.axhspan(since - 0.5, last + 0.5, color=BAND, zorder=0)
    axes.set_yticks(range(first, last + 1))
    axes.set(xticks=[], xlim=(-0.12, ordered["place"].max() + 1), ylim=(last + 0.5, first - 0.5))
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    return key_above(figure, len(num_of))


def look(name: str) -> dict[str, Any]:
    """How the line of an activation is drawn."""
    if name in IN_COLOUR:
        return {"color": IN_COLOUR[name], "marker": "o", "markersize": 4, "linewidth": 1.6}
    return {"color": "black" if name == RELU else GREY, "linestyle": DASHES.get(name, "-"), "linewidth": 1.2}


def panels_by_depth(depths: Sequence[int], names: Sequence[str]) -> tuple[Figure, list[Axes]]:
    """A figure with a panel for each depth, and one that names the lines; and the panels of the depths."""
    figure, _ = new(5.2, len(depths) // NUM_COLUMNS + 1, NUM_COLUMNS, sharey=True, squeeze=False)
    panels, (key, *unused) = figure.axes[: len(depths)], figure.axes[len(depths) :]
    for axes, depth in zip(panels, depths, strict=True):
        axes.set_title(f"depth {depth}")
    for axes in (key, *unused):
        axes.axis("off")
    for name in names:
        key.plot([], [], label=name, **look(name))
    key.legend(loc="center")
    return figure, panels


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
            found = [t_interval(ladder.points(name, RELU, cell).tolist(), confidence) for cell in cells]
            x, y = [cell.budget for cell in cells], [each.estimate for each in found]
            if name in IN_COLOUR:
                bars = [[each.estimate - each.low for each in found], [each.high - each.estimate for each in found]]
                axes.errorbar(x, y, yerr=bars, capsize=2, **look(name))
            else:
                axes.plot(x, y, zorder=1, **look(name))
        axes.set_xscale("log", base=2)
        axes.set_xticks(budgets, [f"{budget:g}" for budget in budgets])
        axes.set(xlim=(budgets[0] / 1.5, budgets[-1] * 2), xlabel="epochs")
        axes.minorticks_off()
    for axes in panels[::NUM_COLUMNS]:
        axes.set_yscale("symlog", linthresh=LINEAR_TO, linscale=2)  # what does not train is scores of points behind
        signed_ticks(axes.yaxis, (-80, -10, -2, -1, 0, 1, 2, 10))
        axes.set(ylim=(-100, 12), ylabel="Δ accuracy (points)")
    return figure


def who_trains(ladder: Ladder) -> Figure:
    """The share of seeds that train, in percent: cells by activations."""
    names, cells = ladder.activations, ladder.cells
    shares = [[ladder.num_trained(name, cell) / len(ladder.scores(name, cell)) for name in names] for cell in cells]
    figure, axes = new(0.9 + 0.28 * len(cells))
    shades = ListedColormap([str(1 - 0.75 * step / 10) for step in range(11)])
    axes.imshow(shares, cmap=shades, vmin=0, vmax=1, aspect="auto")
    write_cells(axes, 100 * np.array(shares), white_above=50, fontsize=SMALL)
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(cells)), [f"{cell.depth} / {cell.budget:g}" for cell in cells])
    axes.set_ylabel("depth / epochs")
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
    """Validation accuracy by learning rate at the shortest budget, the better initialiser; crosses: a seed diverged."""
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
