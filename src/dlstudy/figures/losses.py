"""How sensitive each loss is to its learning rate."""

from typing import Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from dlstudy.figures.style import COLOURS, Figures, key_above, new
from dlstudy.study.ladder import in_epochs
from dlstudy.study.results import Results

LOSSES: Final = {"cross_entropy": (COLOURS[0], "o", "-"), "squared_error": (COLOURS[5], "s", "--")}
WORDS: Final = {"cross_entropy": "cross-entropy", "squared_error": "squared error"}
NETWORKS: Final = {"linear": "linear", "mlp": "MLP"}


def _one_loss(axes: Axes, trials: pd.DataFrame, chosen_lr: float, loss: str) -> None:
    """A small marker for each seed, a line through their means, a ring about the chosen learning rate.

    The means are of learning rates with which no seed diverged; a seed that did is a cross at the bottom.
    """
    colour, marker, dashes = LOSSES[loss]
    diverged = trials["diverged"].astype(bool)
    stable = trials[~diverged]
    axes.plot(stable["lr"], stable["validation_accuracy"], marker, color=colour, alpha=0.45, markersize=4)
    means = trials[~trials["lr"].isin(trials.loc[diverged, "lr"])].groupby("lr")["validation_accuracy"].mean()
    axes.plot(means.index, means, color=colour, linestyle=dashes, linewidth=1.8, label=WORDS[loss])
    if chosen_lr in means.index:
        axes.plot(chosen_lr, means[chosen_lr], "o", color="black", markersize=13, fillstyle="none")
    bottom = [0.04] * int(diverged.sum())
    axes.plot(trials.loc[diverged, "lr"], bottom, "x", color=colour, transform=axes.get_xaxis_transform())


def learning_rate_sensitivity(tuning: pd.DataFrame, chosen: pd.DataFrame) -> Figure:
    """Validation accuracy by learning rate, for every network and loss; a row of panels a budget."""
    budgets = sorted(chosen["budget"].unique())
    shape = (len(budgets), len(NETWORKS))
    figure, panels = new(1.0 + 2.2 * len(budgets), *shape, sharex=True, sharey=True, squeeze=False)
    rates = chosen.set_index(["network", "loss", "budget"])["lr"]
    for row, budget in zip(panels, budgets, strict=True):
        for axes, (network, title) in zip(row, NETWORKS.items(), strict=True):
            for loss in LOSSES:
                which = (tuning["network"] == network) & (tuning["loss"] == loss) & (tuning["budget"] == budget)
                _one_loss(axes, tuning[which], rates[network, loss, budget], loss)
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


def figures(results: Results) -> Figures:
    yield (
        "losses_learning_rates",
        learning_rate_sensitivity(results.experiment("losses", "tuning"), results.experiment("losses", "chosen")),
    )
