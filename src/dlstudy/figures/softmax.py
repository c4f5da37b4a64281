"""Softmax: what it makes of a fixed ratio, the outputs that training arrives at, and how far they may be trusted."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlstudy.figures.style import COLOURS
from dlstudy.study.results import Results

LEAST_SHOWN = 0.1  # of the largest output, where the curve of probabilities begins
LEAST_SHARE = 0.001
"""Of the examples, in a bin of confidence that is drawn: of a few images the accuracy is anything."""

NOTE = 10.0  # the note's own largest output
KINDS = {"trained": ("as trained", COLOURS[5], "o"), "scaled": ("after temperature scaling", COLOURS[0], "s")}


def figures(results: Results) -> Iterator[tuple[str, Figure]]:
    """Each figure with the name of its file, without the ending."""
    yield "softmax_ratio", ratio_curve(results.experiment("softmax_identities", "scales"))
    classifiers = results.classifiers()
    if classifiers:
        yield "softmax_logits", logit_ranges({name: results.table(name, "calibration") for name in classifiers})
        yield "softmax_reliability", reliability({name: results.table(name, "reliability") for name in classifiers})


def ratio_curve(scales: pd.DataFrame) -> Figure:
    """The probability of an output 100 times each of the two others, over its size."""
    shown = scales[scales["largest"] >= LEAST_SHOWN * (1 - 1e-9)]  # the scales are powers, with rounding
    figure = Figure(figsize=(8.2, 3.2))
    axes = figure.subplots()
    axes.plot(shown["largest"], shown["probability"], color=COLOURS[0])
    for level, text in ((0.99, "0.99"), (1 / 3, "1/3: all three the same")):
        axes.axhline(level, color="black", linewidth=0.8, linestyle="--")
        axes.annotate(text, (shown["largest"].max(), level), (0, -3), **_BELOW_RIGHT)
    for _, row in shown.iloc[[_nearest(shown, LEAST_SHOWN), _nearest(shown, NOTE)]].iterrows():
        axes.plot(row["largest"], row["probability"], "o", color=COLOURS[5])
        small = f"{row['largest'] / 100:g}"
        caption = f"({small}, {row['largest']:g}, {small}): {row['probability']:.4f}"
        lift = 7 if row["probability"] > 0.5 else -22  # clear of the curve and of the line at a third
        axes.annotate(caption, (row["largest"], row["probability"]), (8, lift), textcoords="offset points")
    axes.set(xscale="log", ylim=(0.2, 1.1), xlabel="the largest output (the two others are a hundredth of it)")
    axes.set_ylabel("its probability")
    return figure


_BELOW_RIGHT: dict[str, Any] = {"textcoords": "offset points", "ha": "right", "va": "top"}


def _nearest(table: pd.DataFrame, largest: float) -> int:
    return int((table["largest"] - largest).abs().to_numpy().argmin())


def logit_ranges(calibration: Mapping[str, pd.DataFrame]) -> Figure:
    """The outputs of each model on the test images, a line a seed: from the smallest to the largest of all, with the
    median of the images' largest.
    """
    figure = Figure(figsize=(8.2, 0.9 + 0.055 * sum(len(table) + 2 for table in calibration.values())))
    axes = figure.subplots()
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
    axes.set_xlabel("outputs before softmax, on the test images (a line a seed)")
    axes.plot([], [], color=COLOURS[0], label="smallest to largest output")
    axes.plot([], [], "D", color=COLOURS[5], markersize=3, label="median of each image's largest output")
    figure.legend(loc="outside upper right", ncols=2)
    return figure


def reliability(bins: Mapping[str, pd.DataFrame]) -> Figure:
    """For each model, above: accuracy over confidence; below: by how much the one misses the other, in points."""
    figure = Figure(figsize=(max(4.1, 2.05 * len(bins)), 4.4))
    grid = figure.subplots(2, len(bins), sharex=True, sharey="row", squeeze=False)
    for column, (model, table) in enumerate(bins.items()):
        upper, lower = grid[:, column]
        upper.plot([0, 1], [0, 1], color="black", linewidth=0.8, linestyle="--")
        lower.axhline(0, color="black", linewidth=0.8, linestyle="--")
        for kind, (_, colour, marker) in KINDS.items():
            _draw_bins(upper, lower, table[table["logits"] == kind], colour, marker)
        upper.set(title=model, xlim=(0, 1.02), ylim=(0, 1.02))
        lower.set_xlabel("confidence")
        lower.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    grid[0, 0].set_ylabel("accuracy")
    grid[1, 0].set_ylabel("accuracy - confidence\n(points)")
    for label, colour, marker in KINDS.values():
        grid[0, 0].plot([], [], color=colour, marker=marker, fillstyle="none", markersize=4, label=label)
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    return figure


def _draw_bins(upper: Axes, lower: Axes, table: pd.DataFrame, colour: str, marker: str) -> None:
    """A point a bin, in both panels."""
    shown = table[table["num"] >= LEAST_SHARE * table["num"].sum()]
    look: dict[str, Any] = {"color": colour, "marker": marker, "fillstyle": "none", "markersize": 4, "linewidth": 1}
    upper.plot(shown["confidence"], shown["accuracy"], **look)
    lower.plot(shown["confidence"], 100 * (shown["accuracy"] - shown["confidence"]), **look)
