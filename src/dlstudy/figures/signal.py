"""Signals by layer: how small the backward one becomes, by theory too; what weight gradients hide; dead units."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from dlstudy.experiments.signal_propagation.params import CLAIMED_ACTIVATIONS
from dlstudy.figures.style import COLOURS
from dlstudy.literature.published import PublishedShares, load_published
from dlstudy.study.results import Results

EXPERIMENT: Final = "signal_propagation"

INITS: Final = {
    "small_normal": ("o", "N(0, {std:g}²)"),
    "pytorch": ("s", "PyTorch default"),
    "xavier": ("D", "Xavier"),
    "he": ("^", "He"),
}
ACTIVATIONS: Final = {"sigmoid": (COLOURS[5], "-"), "tanh": (COLOURS[0], "--"), "relu": (COLOURS[1], "-.")}
OTHER: Final = "#909090"
WIDE: Final = (8.2, 3.6)


def figures(results: Results) -> Iterator[tuple[str, Figure]]:
    """Each figure with the name of its file, without the ending."""
    tables = {
        name: results.experiment(EXPERIMENT, name) for name in ("layers", "weight_gradients", "dead", "training_dead")
    }
    std = results.experiment_facts(EXPERIMENT)["small_std"]
    yield "signal_backward", backward_lines(tables["layers"], std)
    yield "signal_weight_gradients", hidden_by_weights(tables["layers"], tables["weight_gradients"], "pytorch")
    published = load_published().beside(results.image_set().dataset).dead_units
    yield "signal_dead", dead_units(tables["dead"], tables["training_dead"], std, published)


def name_of(init: str, std: float) -> str:
    return INITS[init][1].format(std=std)


def backward_lines(layers: pd.DataFrame, std: float) -> Figure:
    """The backward signal by layer, over the last one's: measured (dots), by theory (lines); a panel an initialiser."""
    inits = list(dict.fromkeys(layers["init"]))
    figure = Figure(figsize=(6.4, 5.2))
    panels = figure.subplots(2, (len(inits) + 1) // 2, sharex=True, sharey=True, squeeze=False).flat
    for axes, init in zip(panels, inits, strict=False):
        rows = layers[layers["init"] == init]
        rows = rows.sort_values("layer")
        for name, own in sorted(rows.groupby("activation", sort=False), key=lambda each: each[0] in ACTIVATIONS):
            colour, marker = (ACTIVATIONS[name][0], "o") if name in ACTIVATIONS else (OTHER, ".")
            axes.plot(own["layer"], own["predicted_backward"] / own["predicted_backward"].iloc[-1], color=colour)
            axes.plot(own["layer"], own["backward"] / own["backward"].iloc[-1], marker, color=colour, markersize=4)
        axes.set(yscale="log", title=name_of(init, std))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    for name, (colour, _) in {**ACTIVATIONS, "others": (OTHER, "")}.items():
        figure.axes[0].plot([], [], "-o", color=colour, markersize=4, label=name)
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    figure.supxlabel("hidden layer", fontsize="medium")
    figure.supylabel(r"rms $\delta^l$ / rms $\delta^L$", fontsize="medium")
    return figure


def ratios(table: pd.DataFrame, std: float, *, tolerance: float) -> Figure:
    """Left: the ratio measured over predicted, on the diagonal; right: how far every seed misses, in percent."""
    figure = Figure(figsize=(8.2, 4.0))
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.25))
    _draw_diagonal(left, table, std)
    _draw_misses(right, table, std)
    right.axvspan(-100 * tolerance, 100 * tolerance, color="#f0f0f0", zorder=0)
    return figure


def _draw_diagonal(axes: Axes, table: pd.DataFrame, std: float) -> None:
    ends = np.array([table["predicted"].min() / 1.2, table["predicted"].max() * 1.2])
    axes.plot(ends, ends, color="black", linewidth=0.8, linestyle="--")
    means = table.groupby(["activation", "init"], sort=False, as_index=False)[["predicted", "measured"]].mean()
    means = means.sort_values("activation", key=lambda names: names.isin(ACTIVATIONS))  # those of the claims on top
    for (activation, init), row in means.groupby(["activation", "init"], sort=False):
        colour = ACTIVATIONS.get(str(activation), (OTHER, ""))[0]
        axes.plot(row["predicted"], row["measured"], INITS[str(init)][0], color=colour, fillstyle="none", markersize=6)
    axes.set(xscale="log", yscale="log", xlabel="ratio by theory", ylabel="ratio, measured (mean of the seeds)")
    axes.set_aspect("equal")
    for init in dict.fromkeys(table["init"]):
        axes.plot([], [], INITS[init][0], color="black", fillstyle="none", label=name_of(init, std))
    for name, (colour, _) in ACTIVATIONS.items():
        axes.plot([], [], "_", color=colour, markeredgewidth=3, markersize=10, label=name)
    axes.plot([], [], "_", color=OTHER, markeredgewidth=3, markersize=10, label="others")
    axes.legend(fontsize=7, loc="upper left")


def _draw_misses(axes: Axes, table: pd.DataFrame, std: float) -> None:
    place, ticks = 0, []
    for activation, (colour, _) in ACTIVATIONS.items():
        for init, rows in table[table["activation"] == activation].groupby("init", sort=False):
            misses = 100 * (rows["measured"] / rows["predicted"] - 1)
            axes.plot(misses, [place] * len(rows), ".", color=colour, alpha=0.6)
            axes.plot(misses.mean(), place, INITS[str(init)][0], color="black", fillstyle="none", markersize=6)
            ticks.append((place, f"{activation}, {name_of(str(init), std)}"))
            place += 1
        place += 1
    axes.axvline(0, color="black", linewidth=0.8, linestyle="--")
    axes.set_yticks([place for place, _ in ticks], [text for _, text in ticks], fontsize=8)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("measured less theory, percent (a dot a seed;\nopen: their mean; band: tolerance)")


def hidden_by_weights(layers: pd.DataFrame, gradients: pd.DataFrame, init: str) -> Figure:
    """Of each activation of the claims, by layer: the backward signal, the forward one, and the weights' gradients."""
    figure = Figure(figsize=WIDE)
    grid = figure.subplots(1, len(CLAIMED_ACTIVATIONS), sharey=True)
    looks: dict[str, dict[str, Any]] = {
        "delta": {"color": COLOURS[5], "linestyle": "-", "marker": "o", "label": "backward signal (delta)"},
        "output": {"color": COLOURS[0], "linestyle": "--", "marker": "s", "label": "outputs of the layer"},
        "weights": {"color": "black", "linestyle": ":", "marker": "D", "label": "gradient of the layer's weights"},
    }
    for axes, activation in zip(grid, CLAIMED_ACTIVATIONS, strict=True):
        chosen = [each[(each["activation"] == activation) & (each["init"] == init)] for each in (layers, gradients)]
        by_layer, by_weight = (each.set_index("layer").sort_index() for each in chosen)
        lines = {
            "delta": by_layer["backward"] / by_layer["backward"].max(),
            "output": by_layer["output"] / by_layer["output"].max(),
            "weights": by_weight["weight_gradient"] / by_weight["weight_gradient"].max(),
        }
        for name, values in lines.items():
            axes.plot(values.index, values, markersize=4, fillstyle="none", **looks[name])
        axes.set(yscale="log", xlabel="hidden layer", title=activation)
    grid[0].set_ylabel("size, over that of its largest layer")
    figure.legend(*grid[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure


def dead_units(dead: pd.DataFrame, trained: pd.DataFrame, std: float, published: PublishedShares | None) -> Figure:
    """The share of ReLU units that no image activates, by layer: at the start, and during a training."""
    figure = Figure(figsize=WIDE)
    left, right = figure.subplots(1, 2, sharey=True)
    colours = dict(zip(INITS, (COLOURS[6], COLOURS[5], COLOURS[2], COLOURS[0]), strict=True))
    for init, rows in dead.groupby("init", sort=False):
        shares = 100 * rows.groupby("layer")["share"].agg(["mean", "min", "max"])
        look = {"color": colours[str(init)], "marker": INITS[str(init)][0], "markersize": 4, "fillstyle": "none"}
        left.plot(shares.index, shares["mean"], label=name_of(str(init), std), **look)
        left.fill_between(shares.index, shares["min"], shares["max"], color=colours[str(init)], alpha=0.12, linewidth=0)
    if published:
        layers = range(1, len(published.shares) + 1)
        percent = [100 * share for share in published.shares]
        left.plot(layers, percent, "k*", markersize=8, label=f"{published.short} (published)")
    left.set(xlabel="hidden layer", ylabel="dead ReLU units (percent)", title="As initialised (band: all seeds)")
    left.legend(fontsize=8)
    for init, rows in trained.groupby("init", sort=False):
        for index, (step, shares) in enumerate(rows.groupby("step")):
            means = 100 * shares.groupby("layer")["share"].mean()
            label = f"{INITS[str(init)][1]}, step {step}"
            look = {"color": colours[str(init)], "linestyle": (":", "-.", "--", "-")[index % 4], "label": label}
            right.plot(means.index, means, **look)
    right.set(xlabel="hidden layer", title="During training (mean of the seeds)")
    right.legend(fontsize=7)
    return figure
