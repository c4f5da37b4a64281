"""The sweep: accuracy by depth, learning rates, which networks train, how fast; what a hasty comparison would show."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from dlstudy.figures.style import COLOURS
from dlstudy.judging.statistics import share_interval
from dlstudy.study.results import Results

STYLES: Final = {  # colour, line, marker
    "sigmoid": (COLOURS[5], "-", "s"),
    "tanh": (COLOURS[0], "--", "D"),
    "relu": (COLOURS[6], "-", "o"),
    "identity": ("#909090", ":", "v"),
    "leaky_relu": (COLOURS[1], "-.", "^"),
    "gelu": (COLOURS[2], "--", "P"),
    "silu": (COLOURS[3], "-.", "X"),
    "elu": (COLOURS[4], "-", "*"),
}
OTHER: Final = ("#b0b0b0", "-", ".")
FloatArray = NDArray[np.float64]
INITS: Final = {
    "matching": "the initialisation made for it",
    "pytorch": "PyTorch's default",
    "xavier": "Xavier",
    "he": "He",
}


def figures(results: Results) -> Iterator[tuple[str, Figure]]:
    """Each figure with the name of its file, without the ending."""
    per_seed, tuning, chosen = (results.sweep(name) for name in ("per_seed", "tuning", "chosen"))
    yield "sweep_accuracy", by_depth(per_seed)
    yield "sweep_learning_rates", learning_rates(tuning, chosen)
    yield "sweep_steps", curves(results.sweep("looks"), results.study.sweep.thresholds.target)


def in_order(table: pd.DataFrame) -> list[str]:
    return [str(name) for name in dict.fromkeys(table["activation"])]


def line(axes: Axes, name: str, x: Sequence[float], y: Sequence[float], *, label: bool = True) -> None:
    colour, dashes, marker = STYLES.get(name, OTHER)
    axes.plot(x, y, dashes, marker=marker, color=colour, markersize=4, linewidth=1.3, label=name if label else None)


def on_depths(axes: Axes, depths: Sequence[int]) -> None:
    axes.set_xscale("log", base=2)
    axes.set_xticks(list(depths), [str(depth) for depth in depths])
    axes.set_xlabel("hidden layers")


def accuracy_axis(axes: Axes, words: str, low: float = 0.0) -> None:
    """Accuracies, spaced by the logarithm of the error: what good networks differ by is seen beside what fails."""

    def forward(accuracy: FloatArray) -> FloatArray:
        return -np.log(np.clip(1 - accuracy, 1e-6, None))

    def inverse(value: FloatArray) -> FloatArray:
        return 1 - np.exp(-value)

    axes.set_yscale("function", functions=(forward, inverse))
    ticks = [tick for tick in (0.0, 0.1, 0.3, 0.5, 0.6, 0.7, 0.75, 0.8, 0.82, 0.84, 0.86, 0.88) if tick >= low]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_ylim(max(low - 0.02, -0.05), 0.89)
    axes.set_ylabel(words)


def by_depth(per_seed: pd.DataFrame) -> Figure:
    """Mean test accuracy by depth, a panel an initialiser; every seed as a dot."""
    inits = list(dict.fromkeys(per_seed["init"]))
    figure = Figure(figsize=(8.2, 4.2))
    panels = figure.subplots(1, len(inits), sharey=True, squeeze=False)[0]
    for axes, init in zip(panels, inits, strict=True):
        rows = per_seed[per_seed["init"] == init]
        for name in in_order(rows):
            own = rows[rows["activation"] == name]
            means = own.groupby("depth")["test_accuracy"].mean()
            line(axes, name, means.index.tolist(), means.tolist())
            axes.plot(
                own["depth"], own["test_accuracy"], ".", color=STYLES.get(name, OTHER)[0], markersize=2, alpha=0.5
            )
        on_depths(axes, sorted(rows["depth"].unique()))
        axes.set_title(INITS[init])
    accuracy_axis(panels[0], "test accuracy")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=8, fontsize=8)
    return figure


def learning_rates(tuning: pd.DataFrame, chosen: pd.DataFrame) -> Figure:
    """Mean validation accuracy of the tuning seeds by learning rate; the chosen one has a ring. A panel a cell."""
    inits = list(dict.fromkeys(tuning["init"]))
    depths = sorted(tuning["depth"].unique())
    figure = Figure(figsize=(8.2, 1.7 * len(depths) + 0.5))
    grid = figure.subplots(len(depths), len(inits), sharex=True, sharey=True, squeeze=False)
    for row, depth in zip(grid, depths, strict=True):
        for axes, init in zip(row, inits, strict=True):
            of_cell = tuning[(tuning["depth"] == depth) & (tuning["init"] == init)]
            if of_cell.empty:
                axes.set_axis_off()
                continue
            draw_rates(axes, of_cell, chosen[(chosen["depth"] == depth) & (chosen["init"] == init)])
            axes.set_title(f"{depth} hidden {'layer' if depth == 1 else 'layers'}, {INITS[init]}", fontsize=8)
    for row in grid:
        row[0].set_ylabel("validation", fontsize=8)
    for column in grid.T:
        lowest = [axes for axes in column if axes.axison][-1]
        lowest.set_xlabel("learning rate of the first step")
        lowest.tick_params(labelbottom=True)
    handles, labels = next(axes for axes in grid.flat if axes.axison).get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=8, fontsize=8)
    return figure


def draw_rates(axes: Axes, tuning: pd.DataFrame, chosen: pd.DataFrame) -> None:
    for name in in_order(tuning):
        means = tuning[tuning["activation"] == name].groupby("lr")["validation_accuracy"].mean()
        line(axes, name, means.index.tolist(), means.tolist())
        best = chosen.loc[chosen["activation"] == name, "lr"].item()
        axes.plot(best, means[best], "o", markersize=9, markerfacecolor="none", color=STYLES.get(name, OTHER)[0])
    axes.set_xscale("log")


def curves(looks: pd.DataFrame, target: float) -> Figure:
    """Mean validation accuracy by step, of networks with the initialisation made for them; a panel a depth."""
    rows = looks[looks["init"] == "matching"]
    depths = sorted(rows["depth"].unique())
    figure = Figure(figsize=(8.2, 3.2))
    panels = figure.subplots(1, len(depths), sharey=True, squeeze=False)[0]
    for axes, depth in zip(panels, depths, strict=True):
        of_depth = rows[rows["depth"] == depth]
        for name in in_order(of_depth):
            means = of_depth[of_depth["activation"] == name].groupby("step")["validation_accuracy"].mean()
            line(axes, name, means.index.tolist(), means.tolist())
        axes.axhline(target, color="black", linewidth=0.7)
        axes.set_title(f"{depth} hidden {'layer' if depth == 1 else 'layers'}", fontsize=8)
        axes.set_xlabel("step", fontsize=8)
    accuracy_axis(panels[0], "validation accuracy", 0.1)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=8, fontsize=8)
    return figure


# --- Figures that hang on the settings of verdicts ---


def trainable(per_seed: pd.DataFrame, *, least: float, confidence: float) -> Figure:
    """The share of seeds whose validation accuracy is at least `least`, with Wilson bars; a panel an initialiser."""
    inits = list(dict.fromkeys(per_seed["init"]))
    figure = Figure(figsize=(8.2, 3.8))
    panels = figure.subplots(1, len(inits), sharey=True, squeeze=False)[0]
    for axes, init in zip(panels, inits, strict=True):
        rows = per_seed[per_seed["init"] == init]
        names, depths = in_order(rows), sorted(rows["depth"].unique())
        for place, name in enumerate(names):
            own = rows[rows["activation"] == name].groupby("depth")["validation_accuracy"]
            found = [share_interval(int((values >= least).sum()), len(values), confidence) for _, values in own]
            x = np.arange(len(depths)) + 0.8 * (place / max(1, len(names) - 1) - 0.5)
            colour, _, marker = STYLES.get(name, OTHER)
            axes.vlines(x, [each.low for each in found], [each.high for each in found], color=colour, linewidth=1)
            axes.plot(x, [each.estimate for each in found], marker, color=colour, markersize=4, label=name)
        axes.set_xticks(range(len(depths)), [str(depth) for depth in depths])
        axes.set_xlabel("hidden layers")
        axes.set_title(INITS[init])
    panels[0].set_ylabel(f"share of seeds that reach {least:g}")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=8, fontsize=8)
    return figure


def regret_bars(regrets: pd.DataFrame, *, margin: float) -> Figure:
    """What "always X" loses to the best on validation, in accuracy points: mean over the cells; every seed as a dot."""
    means = regrets.mean().sort_values()
    figure = Figure(figsize=(8.2, 0.5 + 0.34 * len(means)))
    axes = figure.subplots()
    for place, name in enumerate(means.index):
        axes.barh(place, means[name], color="#d0d0d0")
        axes.plot(regrets[name], [place] * len(regrets), ".", color=STYLES.get(str(name), OTHER)[0], markersize=5)
    axes.axvline(margin, color="black", linestyle="--", linewidth=0.8, label=f"margin, {margin:g} points")
    axes.set_yticks(range(len(means)), [f"always {name}" for name in means.index])
    axes.invert_yaxis()
    axes.set_xlabel("accuracy points lost to the best on validation, on average over the cells")
    axes.legend(loc="upper right")
    return figure


def hasty(naive: pd.DataFrame, fair: pd.DataFrame) -> Figure:
    """By depth: one seed at one learning rate under the default initialisation, and each activation at its best.

    Both tables: activation, depth, accuracy.
    """
    figure = Figure(figsize=(8.2, 3.8))
    panels = figure.subplots(1, 2, sharey=True)
    for axes, table, title in zip(
        panels,
        (naive, fair),
        ("one seed, one learning rate, default weights", "best of initialisations, tuned, mean of all seeds"),
        strict=True,
    ):
        for name in in_order(table):
            own = table[table["activation"] == name].sort_values("depth")
            line(axes, name, own["depth"].tolist(), own["accuracy"].tolist())
        on_depths(axes, sorted(table["depth"].unique()))
        axes.set_title(title)
    accuracy_axis(panels[0], "validation accuracy", 0.1)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=8, fontsize=8)
    return figure
