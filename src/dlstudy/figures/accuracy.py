"""Every seed of every classifier, beside published figures where there are any."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure

from dlstudy.figures.style import key_above, name_rows, name_strips, new, strip
from dlstudy.literature.published import PublishedFigure

LEAST_SHOWN = 0.8
"""A published run that hardly learnt would squeeze all others together; it stands in the table."""


def accuracy_strip(per_seed: Mapping[str, pd.DataFrame], published: Sequence[PublishedFigure]) -> Figure:
    """Test accuracy, a row a model: a dot a seed, a bar for their mean, a diamond for each published figure."""
    shown = [other for other in published if other.beside in per_seed and other.value >= LEAST_SHOWN]
    figure = new(1.0 + 0.36 * len(per_seed))
    axes = figure.subplots()
    for place, (model, scores) in enumerate(per_seed.items()):
        test = scores.loc[scores["split"] == "test", "accuracy"]
        strip(axes, place, test.tolist(), [other.value for other in shown if other.beside == model])
    name_rows(axes, list(per_seed))
    axes.set_xlabel("test accuracy")
    name_strips(axes, published=bool(shown))
    key_above(figure)
    return figure
