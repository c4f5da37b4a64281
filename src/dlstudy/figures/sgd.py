"""Minibatch SGD: what theory predicts, and what was measured."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter

from dlstudy.figures.style import COLOURS, GREY, Figures, key_above, new
from dlstudy.study.results import Results

MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X")
_SAMPLING: Final[dict[str, tuple[str, str, dict[str, Any]]]] = {  # neither hides the other
    "without": (COLOURS[0], "-", {"label": "reshuffled", "marker": "o", "markersize": 4, "zorder": 3}),
    "with": (COLOURS[5], "--", {"label": "independent", "marker": "s", "markersize": 8, "fillstyle": "none"}),
}
DASHES: Final = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)))
PANEL: Final = 3.2


def figures(results: Results) -> Figures:
    table = partial(results.experiment, "sgd_theory")
    yield "sgd_variance", variance(table("variances"), results.experiment_facts("sgd_theory")["num_rows"])
    yield "sgd_critical", critical_curves(table("curves"))
    yield "sgd_floor", floor(table("floors"))
    yield "sgd_steps", descending_steps(table("first_steps"))
    yield "sgd_reshuffled", reshuffled(table("reshuffled"))


def _mean(table: pd.DataFrame, *keys: str) -> pd.DataFrame:
    """The means over the seeds, a row for each combination of the keys."""
    return table.groupby(list(keys), as_index=False).mean(numeric_only=True)


def _plain_ticks(axes: Axes, ticks: Sequence[float]) -> None:
    """Only these ticks, as plain numbers, on a logarithmic axis."""
    axes.xaxis.set_ticks(list(ticks), [f"{tick:g}" for tick in ticks])
    axes.xaxis.set_minor_formatter(NullFormatter())


def _by_batch_size(table: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, dict[str, Any], float]]:
    """The rows of each minibatch size, how its markers look, and how far from the middle: none hides another."""
    groups = table.groupby("batch_size")
    for place, ((batch_size, rows), colour, marker) in enumerate(zip(groups, COLOURS, MARKERS, strict=False)):
        look = {"color": colour, "marker": marker, "linestyle": "", "label": f"$B={batch_size:g}$"}
        yield rows, look, place - (len(groups) - 1) / 2


def variance(table: pd.DataFrame, num_rows: int) -> Figure:
    """The variance of minibatch gradients by 1 / B, and how it bends down when a minibatch takes most of the rows."""
    figure, (left, right) = new(PANEL, 1, 2)
    for sampling, (colour, dashes, look) in _SAMPLING.items():
        means = _mean(table[(table["sampling"] == sampling) & (table["predicted"] > 0)], "batch_size")
        for axes in (left, right):
            axes.plot(1 / means["batch_size"], means["predicted"], color=colour, linestyle=dashes, linewidth=1.2)
            axes.plot(1 / means["batch_size"], means["measured"], color=colour, linestyle="", **look)
            axes.set_xlabel("$1/B$")
    left.set(xscale="log", yscale="log", ylabel=r"$\mathrm{tr\,Cov}(g_B)$")
    near = table[(table["batch_size"] * 16 >= num_rows) & (table["sampling"] == "with")]
    highest = near["predicted"].max()
    right.xaxis.set_major_locator(MaxNLocator(4))
    right.set(xlim=(0, 1.05 / near["batch_size"].min()), ylim=(0, 1.1 * highest))
    right.axvline(1 / num_rows, color="black", linewidth=0.8, linestyle=":")
    right.annotate(" $1/N$", (1 / num_rows, highest))
    return key_above(figure)


def critical_curves(table: pd.DataFrame) -> Figure:
    """The loss by step of full-batch descent, at learning rates below and above the critical one."""
    figure, (linear, softmax) = new(PANEL, 1, 2)
    for problem, axes in (("linear", linear), ("softmax", softmax)):
        curves = table[table["problem"] == problem]
        for (factor, curve), colour, dashes in zip(curves.groupby("factor"), COLOURS, DASHES, strict=False):
            label = rf"${factor:g}\,\eta_c$"
            axes.plot(curve["step"], curve["loss"], color=colour, linestyle=dashes, linewidth=1.6, label=label)
        axes.set(xlabel="step", yscale="log", title=f"{problem} regression")
    least, most = table.loc[table["problem"] == "linear", "loss"].min(), table.loc[table["step"] == 0, "loss"].max()
    linear.set(ylim=(0.7 * least, 1e4 * most), ylabel="loss")
    softmax.yaxis.set_major_formatter("{x:g}")
    softmax.yaxis.set_minor_formatter("{x:.1g}")
    return key_above(figure)


def floor(table: pd.DataFrame) -> Figure:
    """The floor of constant-step SGD by learning rate / minibatch size; measured over the formula by cell.

    Bars: two standard errors; broken lines: what the exact theory gives over the formula.
    """
    figure, (left, right) = new(PANEL, 1, 2)
    table = table.assign(x=table["learning_rate"] / table["batch_size"], ratio=table["measured"] / table["simple"])
    line = _mean(table, "learning_rate", "batch_size").sort_values("x")
    left.plot(line["x"], line["simple"], color="black", linewidth=1)
    for rows, look, place in _by_batch_size(table):
        means = _mean(rows, "learning_rate")
        left.plot(means["x"], means["measured"], **look)
        spread = rows.groupby("learning_rate")["ratio"].agg(["mean", "sem"])
        x = spread.index * 1.05**place
        right.errorbar(x, spread["mean"], 2 * spread["sem"], capsize=2, markersize=5, **look)
        exact = means["exact"] / means["simple"]
        right.plot(means["learning_rate"], exact, color=look["color"], linewidth=1.2, linestyle="--")
    right.axhline(1, color="black", linewidth=0.8)
    left.set(xscale="log", yscale="log", xlabel=r"$\eta / B$", ylabel=r"$L - L^*$")
    right.set(xscale="log", xlabel=r"$\eta$", ylabel="measured / formula")
    _plain_ticks(right, sorted(table["learning_rate"].unique()))
    return key_above(figure)


def descending_steps(table: pd.DataFrame) -> Figure:
    """The share of steps that lower the loss of all rows, in each half of short trainings."""
    figure, panels = new(PANEL, 1, 2, sharey=True)
    for axes, column in zip(panels, ("first_half", "second_half"), strict=True):
        for (rows, look, _), dashes in zip(_by_batch_size(table), DASHES, strict=False):
            means = _mean(rows, "learning_rate")
            axes.plot(means["learning_rate"], means[column], **look | {"linestyle": dashes, "markersize": 5})
        axes.axhline(0.5, color="black", linewidth=0.8, linestyle=":")
        axes.set(xscale="log", xlabel=r"$\eta$", title=column.replace("_", " "), ylim=(0.4, 1.02))
        _plain_ticks(axes, sorted(table["learning_rate"].unique()))
    panels[0].set_ylabel(r"$P(\Delta L < 0)$")
    return key_above(figure)


def reshuffled(table: pd.DataFrame) -> Figure:
    """The floor with reshuffled epochs over that with independent rows, by learning rate and minibatch size."""
    figure, axes = new(PANEL)
    rates = sorted(set(table["learning_rate"]))
    theory = {"marker": "_", "color": "black", "linestyle": "", "markersize": 14, "markeredgewidth": 1.6}
    for rows, look, place in _by_batch_size(table):
        x = rows["learning_rate"].map(rates.index) + 0.16 * place
        axes.plot(x, rows["reshuffled"] / rows["independent"], alpha=0.6, **look)
        axes.plot(x, rows["predicted_ratio"], **theory)
    axes.plot([], [], label="theory", **theory)
    axes.axhline(1, color=GREY, linewidth=0.8)
    axes.set_xticks(range(len(rates)), [f"{lr:g}" for lr in rates])
    axes.set(xlabel=r"$\eta$", ylabel="reshuffled / independent", ylim=(0, None))
    return key_above(figure, 5)
