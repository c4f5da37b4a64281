"""Every seed's accuracy by where a network has which activation, and by how deep sigmoid is rescued."""

from collections.abc import Iterator
from typing import Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlstudy.figures.style import COLOURS, key_above, name_rows, name_strips, new, strip
from dlstudy.study.results import Results

EXPERIMENT: Final = "activation_outputs"

DEEP: Final = {
    ("deep", "plain"): "SGD",
    ("deep", "xavier4"): "SGD, 4 × init",
    ("deep", "batch_norm"): "SGD, batch norm",
    ("deep", "adam"): "Adam",
    ("deep", "longer"): "SGD, more epochs",
}

Names = dict[tuple[str, str], str]


def layers(depth: int) -> Names:
    """By cell its activations from the first hidden layer to the outputs."""
    more = f"relu × {depth - 1}"
    return {
        ("linear", "softmax"): "softmax",
        ("shallow", "identity"): "identity → softmax",
        ("shallow", "softmax"): "relu → softmax",
        ("shallow", "relu_logits"): "relu → relu → softmax",
        ("shallow", "one_vs_rest"): "relu → sigmoid",
        ("middle", "relu"): f"relu × {depth} → softmax",
        ("middle", "sigmoid"): f"sigmoid × {depth} → softmax",
        ("middle", "sigmoid_first"): f"sigmoid → {more} → softmax",
        ("middle", "sigmoid_last"): f"{more} → sigmoid → softmax",
        ("middle", "alternating"): "sigmoid → relu → … → softmax",
    }


def figures(results: Results) -> Iterator[tuple[str, Figure]]:
    """Each figure with the name of its file, without the ending."""
    per_seed, facts = results.experiment(EXPERIMENT, "per_seed"), results.experiment_facts(EXPERIMENT)
    yield "outputs_accuracy", accuracies(per_seed, facts["middle_depth"])
    yield "outputs_rescues", rescues(per_seed, facts["reached"])


def _strips(axes: Axes, table: pd.DataFrame, names: Names) -> None:
    """A row a cell, of the seeds that did not diverge."""
    stable = table[~table["diverged"].astype(bool)]
    for place, (network, variant) in enumerate(names):
        rows = stable[(stable["network"] == network) & (stable["variant"] == variant)]
        strip(axes, place, rows["accuracy"].tolist())
    name_rows(axes, list(names.values()))


def accuracies(per_seed: pd.DataFrame, depth: int) -> Figure:
    """Test accuracy of every seed: networks with one hidden layer at most, and mixed ones."""
    figure = new(3.9)
    axes = figure.subplots()
    _strips(axes, per_seed, layers(depth))
    axes.set_xlabel("test accuracy")
    name_strips(axes, published=False)
    key_above(figure)
    return figure


def rescues(per_seed: pd.DataFrame, reached: float) -> Figure:
    """Validation accuracy of every seed of the deep networks; broken: what counts as trained."""
    figure = new(2.5)
    axes = figure.subplots()
    _strips(axes, per_seed, DEEP)
    axes.axvline(reached, color=COLOURS[5], linestyle="--")
    axes.set(xlim=(0, 1), xlabel="validation accuracy")
    name_strips(axes, published=False)
    key_above(figure)
    return figure
