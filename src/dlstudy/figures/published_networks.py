"""Published networks and ours of the same shape; how long a tutorial's sigmoid guesses before it begins to learn."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from dlstudy.figures.style import COLOURS
from dlstudy.literature.published import Published, PublishedFigure
from dlstudy.study.results import Results

EXPERIMENT: Final = "published_networks"

LOOKS: Final = {  # of an activation and initialiser
    ("sigmoid", "pytorch"): {"color": COLOURS[5], "linestyle": "-", "marker": "o"},
    ("sigmoid", "lecun"): {"color": COLOURS[0], "linestyle": "--", "marker": "s"},
}
OTHER: Final = {"color": COLOURS[6], "linestyle": ":", "marker": "^"}


def figures(results: Results, published: Published) -> Iterator[tuple[str, Figure]]:
    """Each figure with the name of its file, without the ending."""
    facts = results.experiment_facts(EXPERIMENT)
    yield "published_networks", networks(results.experiment(EXPERIMENT, "table"), published.networks)
    tables = (results.experiment(EXPERIMENT, f"tutorial{name}") for name in ("_signals", "_epochs", ""))
    yield "published_tutorial", tutorial(*tables, learning_above=facts["learning_above"])


def networks(table: pd.DataFrame, published: Sequence[PublishedFigure]) -> Figure:
    """Test accuracy of each network: a dot a seed, a bar for their mean, a diamond for the published figure."""
    figure = Figure(figsize=(8.2, 3.6))
    axes = figure.subplots()
    values = {("-".join(map(str, each.hidden)), each.activation): each.value for each in published}
    table = table.assign(hidden=table["hidden"].astype(str))  # a table of one-layer networks alone has numbers there
    cells = list(table.groupby(["hidden", "activation"], sort=False))
    for place, (cell, rows) in enumerate(cells):
        axes.plot(rows["test_accuracy"], [place] * len(rows), "o", color=COLOURS[0], alpha=0.5, markersize=5)
        axes.plot(rows["test_accuracy"].mean(), place, "|", color="black", markersize=14, markeredgewidth=2)
        if cell in values:
            axes.plot(values[cell], place, "D", color=COLOURS[5], fillstyle="none", markersize=6)
    axes.set_yticks(range(len(cells)), [f"{hidden}, {activation}" for (hidden, activation), _ in cells])
    axes.invert_yaxis()
    axes.set(xlabel="accuracy on the 10,000 test images", ylabel="hidden layers, activation")
    axes.plot([], [], "o", color=COLOURS[0], alpha=0.5, label="ours, one seed")
    axes.plot([], [], "|", color="black", markersize=12, markeredgewidth=2, label="ours, mean")
    if published:
        axes.plot([], [], "D", color=COLOURS[5], fillstyle="none", label="published")
    figure.legend(loc="outside upper center", ncols=3)
    return figure


def tutorial(signals: pd.DataFrame, epochs: pd.DataFrame, runs: pd.DataFrame, *, learning_above: float) -> Figure:
    """Left: delta by layer as initialised; right: the validation accuracy of every training by epoch."""
    figure = Figure(figsize=(8.2, 3.8))
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.5))
    _draw_signals(left, signals)
    _draw_trainings(right, epochs, runs)
    right.axhline(learning_above, color="black", linewidth=0.8, linestyle=":")
    return figure


def look(cell: tuple[Any, ...]) -> dict[str, Any]:
    activation, init = cell
    return LOOKS.get((activation, init), OTHER)


def _draw_signals(axes: Axes, signals: pd.DataFrame) -> None:
    for cell, rows in signals.groupby(["activation", "init"], sort=False):
        style = look(cell)
        axes.plot(rows["layer"], rows["predicted"], color=style["color"], linestyle=style["linestyle"])
        axes.plot(rows["layer"], rows["measured"], style["marker"], color=style["color"], fillstyle="none")
    axes.set(yscale="log", xlabel="hidden layer", ylabel="rms of delta", title="As initialised")
    axes.set_xticks(sorted(set(signals["layer"])))
    axes.plot([], [], color="black", label="theory")
    axes.plot([], [], "o", color="black", fillstyle="none", label="measured (mean of the seeds)")
    axes.legend(fontsize=7)


def _draw_trainings(axes: Axes, epochs: pd.DataFrame, runs: pd.DataFrame) -> None:
    for cell, rows in epochs.groupby(["activation", "init"], sort=False):
        style, label = look(cell), ", ".join(map(str, cell))
        for _, curve in rows.groupby("seed"):
            axes.plot(curve["epoch"], curve["validation_accuracy"], markersize=3, label=label, **style)
            label = "_"  # named once
    stopped = runs[runs["stops"] > 0].merge(epochs, on=["activation", "init", "seed"])
    stopped = stopped[stopped["epoch"] == stopped["stops"]]
    axes.plot(stopped["epoch"], stopped["validation_accuracy_y"], "x", color="black", markersize=9, markeredgewidth=2)
    axes.plot([], [], "x", color="black", markersize=8, markeredgewidth=2, label="the tutorial's rule stops here")
    axes.set(xlabel="epoch", ylabel="validation accuracy (a line a seed)", title="Until it begins to learn")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(fontsize=7)
