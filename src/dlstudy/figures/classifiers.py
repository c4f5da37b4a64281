"""Classifiers: every seed beside published figures, learning curves, and what is taken for what."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from dlstudy.figures.style import COLOURS, SMALL, THOUSANDS, Figures, key_above, new, pixels_of, strips
from dlstudy.literature.published import Published, PublishedFigure
from dlstudy.study.results import Results

LEAST_SHOWN = 0.8  # A published run that hardly learnt would squeeze all others together; it stands in the table
NUM_SHOWN = 18
COLUMNS = 6
MARKERS = "osD^vPX"


def figures(results: Results, published: Published) -> Figures:
    classifiers = results.classifiers()
    if shown := [*classifiers, *results.study.vision]:
        per_seed = {name: results.table(name, "per_seed") for name in shown}
        yield "accuracy", accuracy_strip(per_seed, published.fashion_mnist)
    for name in classifiers:
        yield f"{name}_curves", learning_curves(results.history(name))
        yield f"{name}_confusion", confusion_matrix(results.table(name, "confusion"))
        yield f"{name}_mistakes", mistakes_gallery(results.table(name, "mistakes"))


def accuracy_strip(per_seed: Mapping[str, pd.DataFrame], published: Sequence[PublishedFigure]) -> Figure:
    """Test accuracy, a row a model: a dot a seed, a bar for their mean, a diamond for each published figure."""
    beside: dict[str, list[float]] = {}
    for other in published:
        if other.beside in per_seed and other.value >= LEAST_SHOWN:
            beside.setdefault(other.beside, []).append(other.value)
    figure, axes = new(1.0 + 0.36 * len(per_seed))
    tests = {name: scores.loc[scores["split"] == "test", "accuracy"].tolist() for name, scores in per_seed.items()}
    strips(axes, tests, beside)
    axes.set_xlabel("test accuracy")
    return key_above(figure)


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
    figure, panels = new(2.7, 1, 2)
    for axes, quantity in zip(panels, ("loss", "accuracy"), strict=True):
        every_seed(axes, history, "epoch", f"train_{quantity}", COLOURS[1], label="training", linestyle="--")
        every_seed(axes, history, "epoch", f"validation_{quantity}", COLOURS[0], label="validation")
        axes.set(xlabel="epoch", ylabel={"loss": "cross-entropy (nats)"}.get(quantity, quantity))
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    plain_losses(panels[0])
    # What matters happens at the top, once the models have learnt more than to guess.
    learnt = history.loc[history["epoch"] > 0, ["train_accuracy", "validation_accuracy"]].median().min()
    panels[1].set_ylim(0.6 if learnt > 0.7 else 0, 1)
    return key_above(figure)


def confusion_matrix(confusion: pd.DataFrame) -> Figure:
    """The share of each class (rows) that is predicted as each class (columns), in percent; below 1 left blank."""
    names = list(dict.fromkeys(confusion["class"]))
    counts = confusion.pivot(index="class", columns="predicted", values="count").loc[names, names]
    shares = 100 * counts.div(counts.sum(axis=1), axis=0).to_numpy()
    figure, axes = new(5.0)
    axes.grid(visible=False)
    # The root brings out the rare mistakes beside the common successes.
    axes.imshow(np.sqrt(shares), cmap="Greys", vmin=0, vmax=10, aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        if share >= 1:
            colour = "white" if share > 35 else "black"
            axes.text(column, row, f"{share:.0f}", ha="center", va="center", color=colour)
    axes.set_xticks(range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="predicted class", ylabel="true class (%)")
    return figure


def mistakes_gallery(mistakes: pd.DataFrame) -> Figure:
    """The images that are wrong with the most confidence, the most confident first: guess?, class and confidence."""
    shown = mistakes.head(NUM_SHOWN)
    rows = max(1, -(-len(shown) // COLUMNS))
    figure, grid = new(1.55 * rows, rows, COLUMNS, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for axes, (_, mistake) in zip(grid.flat, shown.iterrows(), strict=False):
        axes.imshow(pixels_of(mistake["pixels"]), cmap="gray_r", vmin=0, vmax=255)
        caption = f"{mistake['predicted']}?\n{mistake['class']}\n{mistake['confidence']:.3f}"
        axes.set_title(caption, fontsize=SMALL)
    return figure


# --- Networks of torchvision ---


def vision_figures(results: Results) -> Figures:
    if models := results.study.vision:
        histories = {name: over_images(results.history(name), params.num_images) for name, params in models.items()}
        yield "vision_curves", vision_curves(histories)
    for name in models:
        yield f"{name}_confusion", confusion_matrix(results.table(name, "confusion"))


def over_images(history: pd.DataFrame, num_images: int) -> pd.DataFrame:
    """The history with the number of images seen: epochs of different sizes are not the same work."""
    return history.assign(seen=num_images * history["epoch"])


def vision_curves(histories: Mapping[str, pd.DataFrame]) -> Figure:
    """Loss and accuracy on validation images over the images `seen`; a thin line a seed, a thick one for their mean."""
    figure, (of_loss, of_accuracy) = new(3.0, 1, 2)
    for axes, column in ((of_loss, "validation_loss"), (of_accuracy, "validation_accuracy")):
        for place, (name, history) in enumerate(histories.items()):
            colour, marker = COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]
            every_seed(axes, history, "seen", column, colour, label=name, marker=marker, markersize=4)
        axes.set_xlabel("images seen")
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.xaxis.set_major_formatter(THOUSANDS)
    of_loss.set_ylabel("validation loss (nats)")
    plain_losses(of_loss)
    reached = [history["validation_accuracy"].max() for history in histories.values()]
    of_accuracy.set(ylabel="validation accuracy", ylim=(0.6 if min(reached) > 0.7 else 0, 1))
    return key_above(figure)
