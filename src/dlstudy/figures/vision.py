"""How the networks of torchvision learn."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from dlstudy.figures.classifiers import confusion_matrix, every_seed, plain_losses
from dlstudy.figures.housing import THOUSANDS
from dlstudy.figures.style import COLOURS, Figures, key_above, new
from dlstudy.study.results import Results

MARKERS = "osD^vPX"


def figures(results: Results) -> Figures:
    models = results.study.vision
    if models:
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
