"""All figures of the study but those of verdicts, by file name."""

from collections.abc import Iterator

from matplotlib.figure import Figure

from dlstudy.figures import (
    activations,
    ladder,
    linear_theory,
    linearity,
    losses,
    outputs,
    published_networks,
    sgd,
    signal,
    softmax,
    vision,
)
from dlstudy.figures.accuracy import accuracy_strip
from dlstudy.figures.classes import confusion_matrix, mistakes_gallery
from dlstudy.figures.curves import learning_curves
from dlstudy.figures.housing import fitted_plane
from dlstudy.literature.published import Published
from dlstudy.study.results import Results


def all_figures(results: Results, published: Published) -> Iterator[tuple[str, Figure]]:
    """Each figure with the name of its file, without the ending."""
    published = published.beside(results.image_set().dataset)
    yield "activation_slopes", activations.slopes()
    yield from linear_figures(results)
    for part in (linear_theory, linearity, sgd, softmax, losses, signal, outputs, ladder, vision):
        yield from part.figures(results)
    yield from published_networks.figures(results, published)
    classifiers = results.classifiers()
    if shown := [*classifiers, *results.vision()]:
        per_seed = {name: results.table(name, "per_seed") for name in shown}
        yield "accuracy", accuracy_strip(per_seed, published.fashion_mnist)
    for name in classifiers:
        yield f"{name}_curves", learning_curves(results.history(name))
        yield f"{name}_confusion", confusion_matrix(results.table(name, "confusion"))
        yield f"{name}_mistakes", mistakes_gallery(results.table(name, "mistakes"))


def linear_figures(results: Results) -> Iterator[tuple[str, Figure]]:
    """The plane fitted to the houses, where one is."""
    if exact := results.closed_form("housing"):
        coefficients = results.table(exact, "coefficients")
        plane = dict(zip(coefficients["name"], coefficients["value"], strict=True))
        yield "housing_plane", fitted_plane(results.sales(), plane)
