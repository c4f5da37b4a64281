"""How the networks of torchvision learn."""

from collections.abc import Iterator, Mapping

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from dlstudy.figures.classes import confusion_matrix
from dlstudy.figures.style import COLOURS
from dlstudy.study.results import Results

MARKERS = "osD^vPX"


def figures(results: Results) -> Iterator[tuple[str, Figure]]:
    """Each figure with the name of its file, without the ending."""
    models = results.vision()
    if models:
        histories = {name: over_images(results.history(name), params.num_images) for name, params in models.items()}
        yield "vision_curves", vision_curves(histories)
    for name in models:
        yield f"{name}_confusion", confusion_matrix(results.table(name, "confusion"), name)


def over_images(history: pd.DataFrame, num_images: int) -> pd.DataFrame:
    """The history with the number of images seen: epochs of different sizes are not the same work."""
    return history.assign(seen=num_images * history["epoch"])


def vision_curves(histories: Mapping[str, pd.DataFrame]) -> Figure:
    """Loss and accuracy on validation images over the images `seen`; a thin line a seed, a thick one for their mean."""
    figure = Figure(figsize=(8.2, 3.6))
    of_loss, of_accuracy = figure.subplots(1, 2)
    for axes, column in ((of_loss, "validation_loss"), (of_accuracy, "validation_accuracy")):
        for place, (name, history) in enumerate(histories.items()):
            colour = COLOURS[place % len(COLOURS)]
            by_seed = history.pivot(index="seen", columns="seed", values=column)
            axes.plot(by_seed.index, by_seed, color=colour, linewidth=0.7, alpha=0.5)
            marker = MARKERS[place % len(MARKERS)]
            axes.plot(
                by_seed.index, by_seed.mean(axis=1), marker, linestyle="-", color=colour, markersize=4, label=name
            )
        axes.set_xlabel("images seen (each as often as it is seen)")
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, place: f"{value:,.0f}"))
    of_loss.set(ylabel="loss on the first validation images (nats)", yscale="log")
    of_loss.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5, 7)))
    of_loss.yaxis.set_major_formatter("{x:g}")
    of_loss.yaxis.set_minor_formatter(NullFormatter())
    reached = [history["validation_accuracy"].max() for history in histories.values()]
    of_accuracy.set(ylabel="accuracy on the first validation images", ylim=(0.6 if min(reached) > 0.7 else 0, 1))
    figure.legend(*of_accuracy.get_legend_handles_labels(), loc="outside upper center", ncols=max(1, len(histories)))
    return figure
