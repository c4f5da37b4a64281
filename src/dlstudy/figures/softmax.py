"""Softmax: what it makes of a fixed ratio, the outputs that training arrives at, how far to trust them; its losses."""

from collections.abc import Mapping
from typing import Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from dlstudy.figures.style import COLOURS, Figures, key_above, new
from dlstudy.study.ladder import in_epochs
from dlstudy.study.results import Results

LEAST_SHOWN: Final = 0.1  # of the largest output, where the curve of probabilities begins
LEAST_SHARE = 0.001  # of the examples, in a bin of confidence that is drawn: of a few images the accuracy is anything
NOTE = 10.0  # the note's own largest output
KINDS = {"trained": ("$T=1$", COLOURS[5], "o"), "scaled": (r"$T=\hat{T}$", COLOURS[0], "s")}

LOSSES: Final = {"cross_entropy": (COLOURS[0], "o", "-"), "squared_error": (COLOURS[5], "s", "--")}
WORDS: Final = {"cross_entropy": "cross-entropy", "squared_error": "squared error"}
NETWORKS: Final = {"linear": "linear", "mlp": "MLP"}


def figures(results: Results) -> Figures:
    yield "softmax_ratio", ratio_curve(results.experiment("softmax_identities", "scales"))
    if classifiers := results.classifiers():
        yield "softmax_logits", logit_ranges({name: results.table(name, "calibration") for name in classifiers})
        yield "softmax_reliability", reliability({name: results.table(name, "reliability") for name in classifiers})
    tuning, chosen = (results.experiment("losses", name) for name in ("tuning", "chosen"))
    yield "losses_learning_rates", learning_rate_sensitivity(tuning, chosen)


def ratio_curve(scales: pd.DataFrame) -> Figure:
    """The probability of an output 100 times each of the two others, over its size."""
    shown = scales[scales["largest"] >= LEAST_SHOWN * (1 - 1e-9)]  # the scales are powers, with rounding
    figure, axes = new(3.0)
    axes.plot(shown["largest"], shown["probability"], color=COLOURS[0])
    for level, text in ((0.99, "0.99"), (1 / 3, "1/3")):
        axes.axhline(level, color="black", linewidth=0.8, linestyle="--")
        corner = (shown["largest"].max(), level)
        axes.annotate(text, corner, (0, -3), textcoords="offset points", ha="right", va="top")
    for largest in (LEAST_SHOWN, NOTE):
        row = shown.iloc[int((shown["largest"] - largest).abs().to_numpy().argmin())]
        axes.plot(row["largest"], row["probability"], "o", color=COLOURS[5])
        small = f"{row['largest'] / 100:g}"
        caption = f"({small}, {row['largest']:g}, {small}): {row['probability']:.4f}"
        lift = 7 if row["probability"] > 0.5 else -24  # clear of the curve and of the line at a third
        axes.annotate(caption, (row["largest"], row["probability"]), (8, lift), textcoords="offset points")
    axes.set(xscale="log", ylim=(0.2, 1.15), xlabel="$z$", ylabel="softmax$(z/100,\\,z,\\,z/100)_2$")
    return figure


def logit_ranges(calibration: Mapping[str, pd.DataFrame]) -> Figure:
    """The outputs of each model on the test images, a line a seed, and the median of the images' largest."""
    figure, axes = new(0.9 + 0.055 * sum(len(table) + 2 for table in calibration.values()))
    row, ticks = 0, []
    for table in calibration.values():
        rows = range(row, row + len(table))
        axes.hlines(rows, table["logit_smallest"], table["logit_largest"], color=COLOURS[0], linewidth=1)
        axes.plot(table["logit_top"], rows, "D", color=COLOURS[5], markersize=3)
        ticks.append(row + (len(table) - 1) / 2)
        row += len(table) + 2
    axes.set_yticks(ticks, list(calibration))
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("logits")
    axes.plot([], [], color=COLOURS[0], label="min … max")
    axes.plot([], [], "D", color=COLOURS[5], markersize=4, label=r"median $\max\,z$")
    return key_above(figure)


def reliability(bins: Mapping[str, pd.DataFrame]) -> Figure:
    """For each model, by confidence: by how many points accuracy misses it, as trained and after scaling."""
    num_rows = -(-len(bins) // 2)
    figure, grid = new(0.6 + 1.9 * num_rows, num_rows, 2, sharex=True, sharey=True, squeeze=False)
    for axes, (model, table) in zip(grid.flat, bins.items(), strict=False):
        axes.axhline(0, color="black", linewidth=0.8, linestyle="--")
        for kind, (label, colour, marker) in KINDS.items():
            own = table[table["logits"] == kind]
            own = own[own["num"] >= LEAST_SHARE * own["num"].sum()]
            misses = 100 * (own["accuracy"] - own["confidence"])
            look = {"color": colour, "marker": marker, "fillstyle": "none", "markersize": 4, "linewidth": 1.2}
            axes.plot(own["confidence"], misses, label=label, **look)
        axes.set_title(model)
    for axes in grid.flat[len(bins) :]:
        axes.axis("off")
    figure.supxlabel("confidence", fontsize="medium")
    figure.supylabel("accuracy − confidence (points)", fontsize="medium")
    return key_above(figure)


def _one_loss(axes: Axes, trials: pd.DataFrame, chosen_lr: float, loss: str) -> None:
    """Markers: seeds; line: means where none diverged; ring: the chosen rate; crosses at the bottom: diverged seeds."""
    colour, marker, dashes = LOSSES[loss]
    diverged = trials["diverged"].astype(bool)
    stable, lost = trials[~diverged], trials.loc[diverged, "lr"]
    axes.plot(stable["lr"], stable["validation_accuracy"], marker, color=colour, alpha=0.45, markersize=4)
    means = stable[~stable["lr"].isin(lost)].groupby("lr")["validation_accuracy"].mean()
    axes.plot(means.index, means, color=colour, linestyle=dashes, linewidth=1.8, label=WORDS[loss])
    if chosen_lr in means.index:
        axes.plot(chosen_lr, means[chosen_lr], "o", color="black", markersize=13, fillstyle="none")
    axes.plot(lost, [0.04] * len(lost), "x", color=colour, transform=axes.get_xaxis_transform())


def learning_rate_sensitivity(tuning: pd.DataFrame, chosen: pd.DataFrame) -> Figure:
    """Validation accuracy by learning rate, for every network and loss; a row of panels a budget."""
    budgets = sorted(chosen["budget"].unique())
    shape = (len(budgets), len(NETWORKS))
    figure, panels = new(1.0 + 2.2 * len(budgets), *shape, sharex=True, sharey=True, squeeze=False)
    rates = chosen.set_index(["network", "loss", "budget"])["lr"]
    trials = tuning.groupby(["network", "loss", "budget"])
    for row, budget in zip(panels, budgets, strict=True):
        for axes, (network, title) in zip(row, NETWORKS.items(), strict=True):
            for loss in LOSSES:
                _one_loss(axes, trials.get_group((network, loss, budget)), rates[network, loss, budget], loss)
            axes.set(xscale="log", title=f"{title}, {in_epochs(budget)}")
            axes.xaxis.set_major_formatter("{x:g}")
            axes.xaxis.set_minor_formatter(NullFormatter())
        row[0].set_ylabel("validation accuracy")
    for axes in panels[-1]:
        axes.set_xlabel("learning rate")
    figure.axes[0].margins(y=0.15)  # room for the crosses
    for marker, size, label in (("o", 11, "chosen"), ("x", 6, "diverged")):
        figure.axes[0].plot([], [], marker, color="black", markersize=size, fillstyle="none", label=label)
    return key_above(figure)
