"""Every seed's accuracy by where a network has which activation, and by how deep sigmoid is rescued, by budget."""

from typing import Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlstudy.figures.style import COLOURS, Figures, key_above, new, strips
from dlstudy.study.ladder import in_epochs
from dlstudy.study.results import Results

EXPERIMENT: Final = "activation_outputs"

Names = dict[tuple[str, str], str]

DEEP: Final[Names] = {
    ("deep", "plain"): "SGD",
    ("deep", "xavier4"): "SGD, 4 × init",
    ("deep", "batch_norm"): "SGD, batch norm",
    ("deep", "adam"): "Adam",
}


def layers(depth: int) -> Names:
    """By network and variant its activations from the first hidden layer to the outputs."""
    more = f"relu × {depth - 1}"
    return {
        ("shallow", "identity"): "identity → softmax",
        ("shallow", "softmax"): "relu → softmax",
        ("shallow", "relu_logits"): "relu → relu → softmax",
        ("shallow", "one_vs_rest"): "relu → sigmoid",
        ("shallow", "squared_error"): "relu → linear",
        ("shallow", "tanh"): "relu → tanh",
        ("middle", "relu"): f"relu × {depth} → softmax",
        ("middle", "sigmoid"): f"sigmoid × {depth} → softmax",
        ("middle", "sigmoid_first"): f"sigmoid → {more} → softmax",
        ("middle", "sigmoid_last"): f"{more} → sigmoid → softmax",
        ("middle", "alternating"): "sigmoid → relu → … → softmax",
    }


def figures(results: Results) -> Figures:
    per_seed, facts = results.experiment(EXPERIMENT, "per_seed"), results.experiment_facts(EXPERIMENT)
    yield "outputs_accuracy", accuracies(per_seed, facts["middle_depth"])
    yield "outputs_rescues", rescues(per_seed, facts["reached"])


def _strips(axes: Axes, table: pd.DataFrame, names: Names, column: str) -> None:
    """A row per network and variant, of the seeds that did not diverge."""
    stable = table[~table["diverged"].astype(bool)]
    rows = {
        name: stable.loc[(stable["network"] == network) & (stable["variant"] == variant), column].tolist()
        for (network, variant), name in names.items()
    }
    strips(axes, rows, {})


def accuracies(per_seed: pd.DataFrame, depth: int) -> Figure:
    """Test accuracy of every seed at each budget: networks with one hidden layer, and mixed ones."""
    budgets = sorted(per_seed["budget"].unique())
    figure, panels = new(3.9, 1, len(budgets), sharex=True, squeeze=False)
    for axes, budget in zip(panels[0], budgets, strict=True):
        _strips(axes, per_seed[per_seed["budget"] == budget], layers(depth), "test_accuracy")
        axes.set(xlabel="test accuracy", title=in_epochs(budget))
    for axes in figure.axes[1:]:
        axes.set_yticklabels([])
    return key_above(figure)


def rescues(per_seed: pd.DataFrame, reached: float) -> Figure:
    """Validation accuracy of every seed of the deep networks; broken: what counts as trained."""
    figure, axes = new(2.5)
    deep = per_seed[per_seed["network"] == "deep"]
    # The plain network at the longest budget is the last of the rescues.
    longer = (deep["budget"] == deep["budget"].max()) & (deep["variant"] == "plain")
    words = {("deep", "longer"): f"SGD, {in_epochs(deep['budget'].max())}"}
    _strips(axes, deep.assign(variant=deep["variant"].mask(longer, "longer")), DEEP | words, "validation_accuracy")
    axes.axvline(reached, color=COLOURS[5], linestyle="--")
    axes.set(xlim=(0, 1), xlabel="validation accuracy")
    return key_above(figure)
