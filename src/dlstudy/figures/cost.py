"""What an activation costs by itself, beside what it costs a training."""

from typing import Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from dlstudy.figures.style import COLOURS, GREY, SMALL, Figures, key_above, new
from dlstudy.judging.evidence import PerRound
from dlstudy.measures.cost import YARDSTICK, epochs, kernels
from dlstudy.study.results import Results

MARKS: Final = {"sigmoid": ("o", COLOURS[5]), "tanh": ("s", COLOURS[0])}  # those of the statements stand out
OTHERS: Final = ("^", "D", "v", "P", "X")
TICKS: Final = (0.5, 1, 2, 5, 10, 20, 50)


def figures(results: Results) -> Figures:
    confidence = results.study.judge.confidence
    held_against = results.verdicts().set_index("id")["threshold"]
    thresholds = float(held_against["ACT-13/sigmoid-forward-cache"]), float(held_against["ACT-14/sigmoid-shallow"])
    yield "kernel_and_epoch", beside_each_other(kernels(results), epochs(results), thresholds, confidence)


def beside_each_other(
    of_kernels: pd.DataFrame, of_epochs: pd.DataFrame, thresholds: tuple[float, float], confidence: float
) -> Figure:
    """Ratios to ReLU on one scale: the activation alone, forward, and with its gradient; and whole epochs.

    thresholds: what the ratios of activations alone, and those of epochs, are held against.
    """
    figure, panels = new(3.8, 1, 3, sharey=True)
    marks = marks_of(of_kernels["activation"])
    for axes, part in zip(panels, ("forward", "forward_backward"), strict=False):
        _draw(axes, of_kernels[of_kernels["part"] == part], "side", marks, confidence)
        _finish(axes, part.replace("_", " + "), "$n × n$", thresholds[0])
    _draw(panels[2], of_epochs, "network", marks, confidence)
    _finish(panels[2], "epoch", "hidden layers", thresholds[1])
    panels[0].set_ylabel("time / ReLU")
    return key_above(figure, 3)


def marks_of(activations: "pd.Series[str]") -> dict[str, tuple[str, str]]:
    """Marker and colour of every activation but ReLU, which is the unit."""
    names = [name for name in dict.fromkeys(activations) if name != YARDSTICK]
    others = [name for name in names if name not in MARKS]
    return {name: MARKS.get(name) or (OTHERS[others.index(name) % len(OTHERS)], GREY) for name in names}


def _draw(axes: Axes, table: pd.DataFrame, column: str, marks: dict[str, tuple[str, str]], confidence: float) -> None:
    places = {value: place for place, value in enumerate(dict.fromkeys(table[column]))}
    for number, (activation, (marker, colour)) in enumerate(marks.items()):
        shift = 0.6 * (number + 0.5) / len(marks) - 0.3
        for value, ratios in table[table["activation"] == activation].groupby(column, sort=False)["ratio"]:
            found, x = PerRound(tuple(ratios)).interval(confidence), places[value] + shift
            axes.plot([x, x], [found.low, found.high], color=colour, linewidth=1.4)
            label = activation if places[value] == 0 else None
            axes.plot(x, found.estimate, marker, color=colour, markersize=4.5, linestyle="none", label=label)
    axes.set_xticks(range(len(places)), [str(value) for value in places])


def _finish(axes: Axes, title: str, what: str, threshold: float) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(FixedLocator(TICKS))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter("{x:g}")
    axes.axhline(1, color="black", linewidth=0.8)
    axes.axhline(threshold, color="black", linewidth=1, linestyle="--")
    axes.set(title=title, xlabel=what)
    axes.tick_params(axis="x", labelsize=SMALL)
    axes.grid(axis="x", visible=False)
