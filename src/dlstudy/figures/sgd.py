"""Minibatch SGD: what theory predicts, and what was measured."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter

from dlstudy.figures.style import COLOURS
from dlstudy.study.results import Results

EXPERIMENT: Final = "sgd_theory"
MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X")
DASHES: Final = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)))
SAMPLING: Final = {"without": "shuffled epochs", "with": "independent rows"}
WIDE: Final = (8.2, 3.6)


def figures(results: Results) -> Iterator[tuple[str, Figure]]:
    """Each figure with the name of its file, without the ending."""
    facts = results.experiment_facts(EXPERIMENT)
    tables = {
        name: results.experiment(EXPERIMENT, name)
        for name in ("variances", "critical", "contractions", "floors", "curves", "first_steps", "reshuffled")
    }
    yield "sgd_predictions", predictions(*(tables[n] for n in ("variances", "critical", "contractions", "floors")))
    yield "sgd_variance", variance(tables["variances"], facts["num_rows"])
    yield "sgd_critical", critical_curves(tables["curves"], facts["num_curve_images"])
    yield "sgd_floor", floor(tables["floors"])
    yield "sgd_steps", descending_steps(tables["first_steps"])
    yield "sgd_reshuffled", reshuffled(tables["reshuffled"])


def _mean(table: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """The means over the seeds, a row for each combination of the keys."""
    return table.groupby(list(keys), as_index=False).mean(numeric_only=True)


def _plain_ticks(axes: Axes, ticks: Sequence[float], *, axis: str = "x") -> None:
    """Only these ticks, as plain numbers, on a logarithmic axis."""
    chosen = axes.xaxis if axis == "x" else axes.yaxis
    chosen.set_ticks(list(ticks), [f"{tick:g}" for tick in ticks])
    chosen.set_minor_formatter(NullFormatter())


def predictions(
    variances: pd.DataFrame, critical: pd.DataFrame, contractions: pd.DataFrame, floors: pd.DataFrame
) -> Figure:
    """Every prediction against its measurement, on the diagonal, and their ratios below."""
    sets = {
        "variance of the gradient": _mean(variances[variances["predicted"] > 0], ("sampling", "batch_size")),
        "critical learning rate": _mean(critical, ("problem",)),
        "contraction a step (-log)": _mean(contractions, ("fraction",)).abs(),
        "floor of the loss": _mean(floors.rename(columns={"simple": "predicted"}), ("learning_rate", "batch_size")),
    }
    figure = Figure(figsize=WIDE)
    left, right = figure.subplots(1, 2)
    for (name, table), colour, marker in zip(sets.items(), COLOURS, MARKERS, strict=False):
        look = {"color": colour, "marker": marker, "linestyle": "", "markersize": 5, "alpha": 0.8}
        left.plot(table["predicted"], table["measured"], label=name, **look)
        right.plot(table["predicted"], table["measured"] / table["predicted"], **look)
    left.axline((1, 1), slope=1, color="black", linewidth=0.8, zorder=1)
    right.axhline(1, color="black", linewidth=0.8, zorder=1)
    left.set(xscale="log", yscale="log", xlabel="predicted", ylabel="measured (mean over the seeds)")
    right.set(xscale="log", xlabel="predicted", ylabel="measured / predicted")
    left.legend(loc="upper left")
    figure.suptitle("Predicted against measured: each quantity in its own unit")
    return figure


def variance(table: pd.DataFrame, num_rows: int) -> Figure:
    """The variance of minibatch gradients by 1 / B, and how it bends down when a minibatch takes most of the rows."""
    figure = Figure(figsize=WIDE)
    left, right = figure.subplots(1, 2)
    for (sampling, label), colour, marker, dashes in zip(SAMPLING.items(), COLOURS, MARKERS, DASHES, strict=False):
        means = _mean(table[(table["sampling"] == sampling) & (table["predicted"] > 0)], ("batch_size",))
        for axes in (left, right):
            axes.plot(1 / means["batch_size"], means["predicted"], color=colour, linestyle=dashes, linewidth=1.2)
            look = {"color": colour, "marker": marker, "linestyle": "", **_ON_TOP[sampling]}
            axes.plot(1 / means["batch_size"], means["measured"], label=label, **look)
    left.set(xscale="log", yscale="log", xlabel="1 / minibatch size", ylabel="variance of the gradient (trace)")
    near = table[(table["batch_size"] * 16 >= num_rows) & (table["sampling"] == "with")]
    right.set(
        xlabel="1 / minibatch size", ylabel="variance of the gradient (trace)", title="large minibatches (axes from 0)"
    )
    right.xaxis.set_major_locator(MaxNLocator(5))
    right.set_xlim(0, 1.05 / near["batch_size"].min())
    right.set_ylim(0, 1.1 * near["predicted"].max())
    right.axvline(1 / num_rows, color="black", linewidth=0.8, linestyle=":")
    right.annotate(f" all {num_rows:,} rows", (1 / num_rows, 1.0 * near["predicted"].max()), fontsize=8)
    left.legend(title="lines: predicted; markers: measured")
    return figure


_ON_TOP: Final[dict[str, dict[str, Any]]] = {  # neither hides the other
    "without": {"markersize": 4, "zorder": 3},
    "with": {"markersize": 8, "fillstyle": "none"},
}


def critical_curves(table: pd.DataFrame, num_images: int) -> Figure:
    """The loss by step of full-batch descent, at learning rates below and above the critical one."""
    figure = Figure(figsize=WIDE)
    left, right = figure.subplots(1, 2)
    for axes, problem in ((left, "linear"), (right, "softmax")):
        curves = table[table["problem"] == problem]
        for (factor, curve), colour, dashes in zip(curves.groupby("factor"), COLOURS, DASHES, strict=False):
            lr = curve["learning_rate"].iloc[0]
            label = f"{factor:g} × critical ({lr:.3g})"  # noqa: RUF001 - a multiplication sign is meant
            axes.plot(curve["step"], curve["loss"], color=colour, linestyle=dashes, linewidth=1.6, label=label)
        axes.set(xlabel="step", yscale="log")
        axes.legend(title="learning rate", fontsize=8)
    least, most = table.loc[table["problem"] == "linear", "loss"].min(), table.loc[table["step"] == 0, "loss"].max()
    left.set_ylim(0.7 * least, 1e4 * most)
    left.set(title="linear regression, Ames sales", ylabel="squared error, halved (standardised prices)")
    right.set(title=f"softmax regression, {num_images:,} images", ylabel="cross-entropy (nats)")
    right.yaxis.set_major_formatter("{x:g}")
    right.yaxis.set_minor_formatter("{x:.1g}")
    return figure


def floor(table: pd.DataFrame) -> Figure:
    """The floor of constant-step SGD by learning rate / minibatch size; measured over both theories by cell."""
    figure = Figure(figsize=WIDE)
    left, right = figure.subplots(1, 2)
    every = _mean(table, ("learning_rate", "batch_size")).assign(
        x=lambda each: each["learning_rate"] / each["batch_size"]
    )
    line = every.sort_values("x")
    left.plot(line["x"], line["simple"], color="black", linewidth=1, label="formula")
    for (batch_size, means), colour, marker in zip(every.groupby("batch_size"), COLOURS, MARKERS, strict=False):
        look = {"color": colour, "marker": marker, "linestyle": ""}
        left.plot(means["x"], means["measured"], label=f"measured, B = {batch_size:g}", **look)
        ratios = table[table["batch_size"] == batch_size].assign(ratio=lambda each: each["measured"] / each["simple"])
        spread = ratios.groupby("learning_rate")["ratio"].agg(["mean", "sem"])
        # Side by side, so that no interval hides another.
        sizes = sorted(set(every["batch_size"]))
        beside = 1.03 ** (sizes.index(batch_size) - (len(sizes) - 1) / 2)
        right.errorbar(spread.index * beside, spread["mean"], 2 * spread["sem"], capsize=2, **look)
        exact = means["exact"] / means["simple"]
        right.plot(means["learning_rate"], exact, color=colour, linewidth=1.2, linestyle="--")
    right.plot([], [], color="grey", linestyle="--", label="exact / formula")
    right.errorbar([], [], [], color="grey", marker="o", linestyle="", label="measured / formula (± 2 standard errors)")
    right.axhline(1, color="black", linewidth=0.8)
    left.set(xscale="log", yscale="log", xlabel="learning rate / minibatch size", ylabel="loss above its minimum")
    right.set(xscale="log", xlabel="learning rate", ylabel="ratio")
    _plain_ticks(right, sorted(every["learning_rate"].unique()))
    left.legend(fontsize=8)
    right.legend(fontsize=8, loc="upper left")
    right.set_ylim(top=right.get_ylim()[1] + 0.02)
    return figure


def descending_steps(table: pd.DataFrame) -> Figure:
    """The share of steps that lower the loss of all rows, in each half of short trainings."""
    figure = Figure(figsize=WIDE)
    for axes, (column, title) in zip(figure.subplots(1, 2, sharey=True), _HALVES.items(), strict=True):
        for (batch_size, group), colour, marker, dashes in zip(
            table.groupby("batch_size"), COLOURS, MARKERS, DASHES, strict=False
        ):
            means = _mean(group, ("learning_rate",))
            label = f"B = {batch_size:g}"
            axes.plot(means["learning_rate"], means[column], color=colour, marker=marker, linestyle=dashes, label=label)
        axes.axhline(0.5, color="black", linewidth=0.8, linestyle=":")
        axes.set(xscale="log", xlabel="learning rate", title=title, ylim=(0.4, 1.02))
        _plain_ticks(axes, sorted(table["learning_rate"].unique()))
    figure.axes[0].set_ylabel("share of steps that lower the loss")
    figure.axes[1].legend()
    return figure


_HALVES: Final = {"first_half": "first half: coming down", "second_half": "second half: nearer to the floor"}


def reshuffled(table: pd.DataFrame) -> Figure:
    """The floor with reshuffled epochs over that with independent rows, by learning rate x steps in an epoch."""
    figure = Figure(figsize=(8.2, 3.8))
    axes = figure.subplots()
    ratios = table.assign(ratio=table["reshuffled"] / table["independent"])
    for (batch_size, group), colour, marker in zip(ratios.groupby("batch_size"), COLOURS, MARKERS, strict=False):
        places = group["learning_rate"].map({lr: place for place, lr in enumerate(sorted(set(table["learning_rate"])))})
        # Side by side, so that no minibatch size hides another.
        order = sorted(set(table["batch_size"])).index(batch_size)
        x = places + 0.16 * (order - (table["batch_size"].nunique() - 1) / 2)
        axes.plot(x, group["ratio"], marker=marker, color=colour, linestyle="", alpha=0.6, label=f"B = {batch_size:g}")
        axes.plot(
            x, group["predicted_ratio"], marker="_", color="black", linestyle="", markersize=14, markeredgewidth=1.6
        )
    axes.plot([], [], marker="_", color="black", linestyle="", markersize=14, markeredgewidth=1.6, label="theory")
    axes.axhline(1, color="black", linewidth=0.8)
    rates = sorted(set(table["learning_rate"]))
    axes.set_xticks(range(len(rates)), [f"{lr:g}" for lr in rates])
    axes.set(xlabel="learning rate", ylabel="floor, reshuffled / independent", ylim=(0, None))
    axes.legend(title="each seed", loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
