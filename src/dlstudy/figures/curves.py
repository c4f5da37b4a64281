"""Learning curves, a line for every seed."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from dlstudy.figures.style import COLOURS

TRAIN, VALIDATION = COLOURS[1], COLOURS[0]


def _every_seed(axes: Axes, history: pd.DataFrame, column: str, colour: str, label: str, dashes: str) -> None:
    """A thin line for each seed and a thick one for their mean."""
    by_seed = history.pivot(index="epoch", columns="seed", values=column)
    axes.plot(by_seed.index, by_seed, color=colour, linewidth=0.7, alpha=0.45)
    axes.plot(by_seed.index, by_seed.mean(axis=1), color=colour, linewidth=1.8, linestyle=dashes, label=label)


def learning_curves(history: pd.DataFrame, title: str) -> Figure:
    """Loss and accuracy of a classifier by epoch, on training and validation split."""
    figure = Figure(figsize=(8.2, 3.1))
    for axes, quantity in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        _every_seed(axes, history, f"train_{quantity}", TRAIN, "training (mean over the epoch)", "--")
        _every_seed(axes, history, f"validation_{quantity}", VALIDATION, "validation (after the epoch)", "-")
        axes.set(xlabel="epoch", ylabel={"loss": "cross-entropy (nats)"}.get(quantity, quantity))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.axes[0].set_yscale("log")
    figure.axes[0].yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    figure.axes[0].yaxis.set_major_formatter("{x:g}")
    figure.axes[0].yaxis.set_minor_formatter(NullFormatter())
    figure.axes[0].legend()
    # What matters happens at the top, once the models have learnt more than to guess.
    learnt = history.loc[history["epoch"] > 0, ["train_accuracy", "validation_accuracy"]].median().min()
    figure.axes[1].set_ylim(0.6 if learnt > 0.7 else 0, 1)
    num_seeds = history["seed"].nunique()
    figure.suptitle(f"{title}: {num_seeds} seeds, thin; their mean, thick" if num_seeds > 1 else f"{title}: one seed")
    return figure
