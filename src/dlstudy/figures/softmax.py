"""Softmax: what it makes of a fixed ratio, the outputs that training arrives at, and how far they may be trusted."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from dlstudy.figures.style import COLOURS, Figures, key_above, new
from dlstudy.study.results import Results

LEAST_SHOWN = 0.1  # of the largest output, where the curve of probabilities begins
LEAST_SHARE = 0.001
"""Of the examples, in a bin of confidence that is drawn: of a few images the accuracy is anything."""

NOTE = 10.0  # the note's own largest output
KINDS = {"trained": ("$T=1$", COLOURS[5], "o"), "scaled": (r"$T=\hat{T}$", COLOURS[0], "s")}


def figures(results: Results) -> Figures:
    yield "softmax_ratio", ratio_curve(results.experiment("softmax_identities", "scales"))
    classifiers = results.classifiers()
    if classifiers:
        yield "softmax_logits", logit_ranges({name: results.table(name, "calibration") for name in classifiers})
        yield "softmax_reliability", reliability({name: results.table(name, "reliability") for name in classifiers})


def ratio_curve(scales: pd.DataFrame) -> Figure:
    """The probability of an output 100 times each of the two others, over its size."""
    shown = scales[scales["largest"] >= LEAST_SHOWN * (1 - 1e-9)]  # the scales are powers, with rounding
    figure, axes = new(3.0)
    axes.plot(shown["largest"], shown["probability"], color=COLOURS[0])
    for level, text in ((0.99, "0.99"), (1 / 3, "1/3")):
        axes.axhline(level, color="black", linewidth=0.8, linestyle="--")
        corner = (shown["largest"].max(), level)
        axes.annotate(text, corner, (0, -3), textcoords="offset points", ha="right", va="top")
    for _, row in shown.iloc[[_nearest(shown, LEAST_SHOWN), _nearest(shown, NOTE)]].iterrows():
        axes.plot(row["largest"], row["probability"], "o", color=COLOURS[5])
        small = f"{row['largest'] / 100:g}"
        caption = f"({small}, {row['largest']:g}, {small}): {row['probability']:.4f}"
        lift = 7 if row["probability"] > 0.5 else -24  # clear of the curve and of the line at a third
        axes.annotate(caption, (row["largest"], row["probability"]), (8, lift), textcoords="offset points")
    axes.set(xscale="log", ylim=(0.2, 1.15), xlabel="$z$", ylabel="softmax$(z/100,\\,z,\\,z/100)_2$")
    return figure


def _nearest(table: pd.DataFrame, largest: float) -> int:
    return int((table["largest"] - largest).abs().to_numpy().argmin())


def logit_ranges(calibration: Mapping[str, pd.DataFrame]) -> Figure:
    """The outputs of each model on the test images, a line a seed: from the smallest to the largest of all, with the
    median of the images' largest.
    """
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
            look = {"color": colour, "marker": marker, "fillstyle": "none", "markersize": 4}
            misses = 100 * (own["accuracy"] - own["confidence"])
            axes.plot(own["confidence"], misses, linewidth=1.2, label=label, **look)
        axes.set_title(model)
    for axes in grid.flat[len(bins) :]:
        axes.axis("off")
    figure.supxlabel("confidence", fontsize="medium")
    figure.supylabel("accuracy − confidence (points)", fontsize="medium")
    return key_above(figure)
