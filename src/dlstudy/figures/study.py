"""All figures of the study but those of verdicts, by file name."""

from dlstudy.figures import (
    activations,
    classifiers,
    housing,
    ladder,
    linear_theory,
    losses,
    outputs,
    published_networks,
    sgd,
    signal,
    softmax,
    vision,
)
from dlstudy.figures.style import Figures
from dlstudy.literature.published import Published
from dlstudy.study.results import Results


def all_figures(results: Results, published: Published) -> Figures:
    published = published.beside(results.image_set().dataset)
    yield "activation_slopes", activations.slopes()
    for part in (housing, linear_theory, sgd, softmax, losses, signal, outputs, ladder, vision):
        yield from part.figures(results)
    for part in (published_networks, classifiers):
        yield from part.figures(results, published)
