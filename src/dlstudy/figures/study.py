"""All figures of the study but those of verdicts, by file name."""

from dlstudy.figures import activations, classifiers, linear_regression, sgd, signal, softmax
from dlstudy.figures.style import Figures
from dlstudy.literature.published import Published
from dlstudy.study.results import Results


def all_figures(results: Results, published: Published) -> Figures:
    published = published.beside(results.image_set().dataset)
    for part in (activations, linear_regression, sgd, softmax, signal):
        yield from part.figures(results)
    yield from classifiers.output_figures(results)
    yield from classifiers.vision_figures(results)
    yield from classifiers.published_figures(results, published)
    yield from classifiers.figures(results, published)
