"""Every seed of every classifier, beside published figures where there are any."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure

from dlstudy.figures.style import COLOURS
from dlstudy.literature.published import PublishedFigure

LEAST_SHOWN = 0.8
"""A published run that hardly learnt would squeeze all others together; it stands in the table."""


def accuracy_strip(per_seed: Mapping[str, pd.DataFrame], published: Sequence[PublishedFigure]) -> Figure:
    """Test accuracy: a dot a seed, a bar for their mean; below each model the published figures that go with it."""
    shown = [other for other in published if other.beside in per_seed and other.value >= LEAST_SHOWN]
    figure = Figure(figsize=(8.2, 0.9 + 0.42 * len(per_seed) + 0.25 * len(shown)))
    axes = figure.subplots()
    labels: list[str] = []
    for model, scores in per_seed.items():
        test = scores.loc[scores["split"] == "test", "accuracy"]
        row = len(labels)
        axes.plot(test, [row] * len(test), "o", color=COLOURS[0], alpha=0.5, markersize=5)
        axes.plot(test.mean(), row, "|", color="black", markersize=16, markeredgewidth=2)
        labels.append(model)
        for other in shown:
            if other.beside == model:
                axes.plot(other.value, len(labels), "D", color=COLOURS[5], markersize=5, fillstyle="none")
                labels.append(f"{other.model} ({other.short})")
    axes.set_yticks(range(len(labels)), labels)
    for label, name in zip(axes.get_yticklabels(), labels, strict=True):
        label.set_fontweight("bold" if name in per_seed else "normal")
    axes.invert_yaxis()
    axes.set_xlabel("accuracy on the 10,000 test images")
    axes.plot([], [], "o", color=COLOURS[0], alpha=0.5, label="ours, one seed")
    axes.plot([], [], "|", color="black", markersize=12, markeredgewidth=2, label="ours, mean")
    if shown:
        axes.plot([], [], "D", color=COLOURS[5], fillstyle="none", label="published")
    figure.legend(loc="outside upper right", ncols=3)
    return figure
