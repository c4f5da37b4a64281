"""How the signals of deep networks shrink, by theory too; what weight gradients hide; dead units."""

from functools import partial
from typing import Final

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from dlstudy.experiments.signal_propagation.params import CLAIMED_ACTIVATIONS
from dlstudy.figures.style import BAND, COLOURS, GREY, Figures, key_above, name_end, new
from dlstudy.literature.published import PublishedShares, load_published
from dlstudy.study.results import Results

INITS: Final = {
    "small_normal": ("o", "N(0, {std:g}²)"),
    "pytorch": ("s", "PyTorch"),
    "xavier": ("D", "Xavier"),
    "he": ("^", "He"),
}
ACTIVATIONS: Final = {"sigmoid": COLOURS[5], "tanh": COLOURS[0], "relu": COLOURS[1]}
LOOKS: Final = ACTIVATIONS | {"…": GREY}
LEAST_APART: Final = 4.0  # percent between the ends of two lines that are named each by itself


def figures(results: Results) -> Figures:
    table = partial(results.experiment, "signal_propagation")
    std = results.experiment_facts("signal_propagation")["small_std"]
    yield "signal_backward", backward_lines(table("layers"), std)
    yield "signal_weight_gradients", hidden_by_weights(table("layers"), table("weight_gradients"), "pytorch")
    published = load_published().beside(results.image_set().dataset).dead_units
    yield "signal_dead", dead_units(table("dead"), table("training_dead"), std, published)


def name_of(init: str, std: float) -> str:
    return INITS[init][1].format(std=std)


def backward_lines(layers: pd.DataFrame, std: float) -> Figure:
    """The backward signal by layer, over the last one's: measured (dots), by theory (lines); a panel an initialiser."""
    inits = list(dict.fromkeys(layers["init"]))
    figure, panels = new(4.9, 2, (len(inits) + 1) // 2, sharex=True, sharey=True, squeeze=False)
    for axes, init in zip(panels.flat, inits, strict=False):
        rows = layers[layers["init"] == init].sort_values("layer")
        for name, own in sorted(rows.groupby("activation", sort=False), key=lambda each: each[0] in ACTIVATIONS):
            colour, marker = (ACTIVATIONS[name], "o") if name in ACTIVATIONS else (GREY, ".")
            for column, look in (("predicted_backward", {}), ("backward", {"marker": marker, "linestyle": ""})):
                axes.plot(own["layer"], own[column] / own[column].iloc[-1], color=colour, markersize=4, **look)
        axes.set(yscale="log", title=name_of(init, std))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    for name, colour in LOOKS.items():
        figure.axes[0].plot([], [], "-o", color=colour, markersize=4, label=name)
    key_above(figure)
    figure.supxlabel("hidden layer", fontsize="medium")
    figure.supylabel(r"rms $\delta^l$ / rms $\delta^L$", fontsize="medium")
    return figure


def ratios(table: pd.DataFrame, std: float, *, tolerance: float) -> Figure:
    """How far the measured ratio misses the predicted one, in percent: the mean of the seeds, and faint every seed."""
    figure, axes = new(3.4)
    axes.axhspan(-100 * tolerance, 100 * tolerance, color=BAND, zorder=0)
    axes.axhline(0, color="black", linewidth=0.8)
    misses = table.assign(miss=100 * (table["measured"] / table["predicted"] - 1))
    misses = misses.sort_values("activation", key=lambda names: names.isin(list(ACTIVATIONS)), kind="stable")
    for (activation, init), rows in misses.groupby(["activation", "init"], sort=False):
        colour, marker = ACTIVATIONS.get(str(activation), GREY), INITS[str(init)][0]
        axes.plot(rows["predicted"], rows["miss"], ".", color=colour, alpha=0.3, markersize=4)
        axes.plot(rows["predicted"].iloc[0], rows["miss"].mean(), marker, color=colour, fillstyle="none", markersize=7)
    for name, colour in LOOKS.items():
        axes.plot([], [], color=colour, linewidth=3, label=name)
    for init in dict.fromkeys(table["init"]):
        axes.plot([], [], INITS[init][0], color="black", fillstyle="none", label=name_of(init, std))
    axes.set(xscale="log", xlabel="theory", ylabel="measured − theory (%)")
    return key_above(figure)


def hidden_by_weights(layers: pd.DataFrame, gradients: pd.DataFrame, init: str) -> Figure:
    """By layer, over that of the largest layer: backward signal, outputs, and gradients of the weights."""
    figure, grid = new(3.0, 1, len(CLAIMED_ACTIVATIONS), sharey=True)
    looks = [
        (layers, "backward", "o-", COLOURS[5], r"$\delta$"),
        (layers, "output", "s--", COLOURS[0], "$h$"),
        (gradients, "weight_gradient", "D:", "black", r"$\partial L / \partial W$"),
    ]
    for axes, activation in zip(grid, CLAIMED_ACTIVATIONS, strict=True):
        for table, name, look, colour, label in looks:
            own = table[(table["activation"] == activation) & (table["init"] == init)].sort_values("layer")
            values = own[name] / own[name].max()
            axes.plot(own["layer"], values, look, color=colour, markersize=4, fillstyle="none", label=label)
        axes.set(yscale="log", xlabel="hidden layer", title=activation)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    grid[0].set_ylabel("rms / max")
    return key_above(figure)


def dead_units(dead: pd.DataFrame, trained: pd.DataFrame, std: float, published: PublishedShares | None) -> Figure:
    """The share of ReLU units that no image activates, by layer: at first (band: all seeds), and by training step."""
    figure, (left, right) = new(3.3, 1, 2, sharey=True)
    colours = dict(zip(INITS, ("black", COLOURS[5], COLOURS[2], COLOURS[0]), strict=True))
    for init, rows in dead.groupby("init", sort=False):
        shares = 100 * rows.groupby("layer")["share"].agg(["mean", "min", "max"])
        look = {"color": colours[str(init)], "marker": INITS[str(init)][0], "markersize": 4, "fillstyle": "none"}
        left.plot(shares.index, shares["mean"], label=name_of(str(init), std), **look)
        left.fill_between(shares.index, shares["min"], shares["max"], color=colours[str(init)], alpha=0.12, linewidth=0)
    if published:
        percent = [100 * share for share in published.shares]
        left.plot(range(1, len(percent) + 1), percent, "k*", markersize=8, label="published")
    left.set(xlabel="hidden layer", ylabel="dead ReLU (%)")
    for init, rows in trained.groupby("init", sort=False):
        colour, means = colours[str(init)], 100 * rows.groupby(["layer", "step"])["share"].mean().unstack()
        ends = means.iloc[-1, [0, -1]]  # of the first and the last step
        for step, dashes in zip(ends.index, (":", "-"), strict=True):
            right.plot(means.index, means[step], color=colour, linestyle=dashes)
        apart = ends.max() - ends.min() > LEAST_APART
        for name, height in ends.items() if apart else [(", ".join(map(str, ends.index)), ends.iloc[-1])]:
            name_end(right, means.index[-1], height, str(name), colour)
    right.set_xlabel("hidden layer")
    return key_above(figure, 5)
