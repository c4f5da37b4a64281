"""Published networks and ours of the same shape; how long a tutorial's sigmoid guesses before it begins to learn."""

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from dlstudy.figures.style import COLOURS, Figures, key_above, new, strips
from dlstudy.literature.published import Published, PublishedFigure
from dlstudy.study.results import Results

EXPERIMENT: Final = "published_networks"

LOOKS: Final = {  # of an activation and initialiser
    ("sigmoid", "pytorch"): {"color": COLOURS[5], "linestyle": "-", "marker": "o"},
    ("sigmoid", "lecun"): {"color": COLOURS[0], "linestyle": "--", "marker": "s"},
}
OTHER: Final = {"color": "black", "linestyle": ":", "marker": "^"}


def figures(results: Results, published: Published) -> Figures:
    facts = results.experiment_facts(EXPERIMENT)
    yield "published_networks", networks(results.experiment(EXPERIMENT, "table"), published.networks)
    tables = (results.experiment(EXPERIMENT, f"tutorial{name}") for name in ("_signals", "_epochs", ""))
    yield "published_tutorial", tutorial(*tables, learning_above=facts["learning_above"])


def networks(table: pd.DataFrame, published: Sequence[PublishedFigure]) -> Figure:
    """Test accuracy of each network: a dot a seed, a bar for their mean, a diamond for the published figure."""
    beside = {f"{'-'.join(map(str, each.hidden))}, {each.activation}": [each.value] for each in published}
    names = table["hidden"].astype(str) + ", " + table["activation"]
    rows = {str(name): own.tolist() for name, own in table["test_accuracy"].groupby(names, sort=False)}
    figure, axes = new(1.0 + 0.3 * len(rows))
    strips(axes, rows, beside)
    axes.set_xlabel("test accuracy")
    return key_above(figure)


def tutorial(signals: pd.DataFrame, epochs: pd.DataFrame, runs: pd.DataFrame, *, learning_above: float) -> Figure:
    """Left: delta by layer as initialised, theory as a line; right: the validation accuracy of every training.

    A cross: where the tutorial's rule stops a training. Dotted: above it a network has begun to learn.
    """
    figure, (left, right) = new(3.2, 1, 2, width_ratios=(1, 1.4))
    _draw_signals(left, signals)
    _draw_trainings(right, epochs, runs)
    right.axhline(learning_above, color="black", linewidth=0.8, linestyle=":")
    return key_above(figure, axes=1)


def look(cell: tuple[Any, ...]) -> dict[str, Any]:
    activation, init = cell
    return LOOKS.get((activation, init), OTHER)


def _draw_signals(axes: Axes, signals: pd.DataFrame) -> None:
    for cell, rows in signals.groupby(["activation", "init"], sort=False):
        style = look(cell)
        axes.plot(rows["layer"], rows["predicted"], color=style["color"], linestyle=style["linestyle"])
        axes.plot(rows["layer"], rows["measured"], style["marker"], color=style["color"], fillstyle="none")
    axes.set(yscale="log", xlabel="hidden layer", ylabel=r"rms $\delta$")
    axes.set_xticks(sorted(set(signals["layer"])))


def _draw_trainings(axes: Axes, epochs: pd.DataFrame, runs: pd.DataFrame) -> None:
    for cell, rows in epochs.groupby(["activation", "init"], sort=False):
        style, label = look(cell), ", ".join(map(str, cell))
        for _, curve in rows.groupby("seed"):
            axes.plot(curve["epoch"], curve["validation_accuracy"], markersize=4, label=label, **style)
            label = "_"  # named once
    stopped = runs[runs["stops"] > 0].merge(epochs, on=["activation", "init", "seed"])
    stopped = stopped[stopped["epoch"] == stopped["stops"]]
    axes.plot(stopped["epoch"], stopped["validation_accuracy_y"], "x", color="black", markersize=9, markeredgewidth=2)
    axes.set(xlabel="epoch", ylabel="validation accuracy")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
