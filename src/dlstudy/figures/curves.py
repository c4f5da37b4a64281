"""Learning curves, a line for every seed."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from dlstudy.figures.style import COLOURS, key_above, new


def plain_losses(axes: Axes) -> None:
    """A logarithmic axis of losses with plain numbers."""
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())


def every_seed(axes: Axes, history: pd.DataFrame, by: str, column: str, colour: str, **look: Any) -> None:
    """A thin line for each seed and a thick one for their mean."""
    by_seed = history.pivot(index=by, columns="seed", values=column)
    axes.plot(by_seed.index, by_seed, color=colour, linewidth=0.7, alpha=0.45)
    axes.plot(by_seed.index, by_seed.mean(axis=1), color=colour, linewidth=1.8, **look)


def learning_curves(history: pd.DataFrame) -> Figure:
    """Loss and accuracy of a classifier by epoch, on training and validation split."""
    figure = new(2.7)
    for axes, quantity in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        every_seed(axes, history, "epoch", f"train_{quantity}", COLOURS[1], label="training", linestyle="--")
        every_seed(axes, history, "epoch", f"validation_{quantity}", COLOURS[0], label="validation")
        axes.set(xlabel="epoch", ylabel={"loss": "cross-entropy (nats)"}.get(quantity, quantity))
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    plain_losses(figure.axes[0])
    # What matters happens at the top, once the models have learnt more than to guess.
    learnt = history.loc[history["epoch"] > 0, ["train_accuracy", "validation_accuracy"]].median().min()
    figure.axes[1].set_ylim(0.6 if learnt > 0.7 else 0, 1)
    key_above(figure)
    return figure
