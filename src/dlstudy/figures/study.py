"""All figures of the study but those of verdicts, by file name."""

from dlstudy.figures import activations, classifiers, linear_regression, networks, sgd, signal, softmax
from dlstudy.figures.style import Figures
from dlstudy.literature.published import Published
from dlstudy.study.results import Results


def all_figures(results: Results, published: Published) -> Figures:
    published = published.beside(results.image_set().dataset)
    for part in (activations, linear_regression, sgd, softmax, signal, networks):
        yield from part.figures(results)
    yield from classifiers.vision_figures(results)
    for figures in (networks.published_figures, classifiers.figures):
        yield from figures(results, published)
