"""Every seed's accuracy: by where a network has which activation, by how deep sigmoid is rescued, beside published."""

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from dlstudy.figures.style import COLOURS, Figures, key_above, new, strips
from dlstudy.literature.published import Published, PublishedFigure
from dlstudy.study.ladder import in_epochs
from dlstudy.study.results import Results

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
    per_seed = results.experiment("activation_outputs", "per_seed")
    facts = results.experiment_facts("activation_outputs")
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


# --- Published networks and ours of the same shape ---

LOOKS: Final[dict[Any, dict[str, Any]]] = {  # of an activation and initialiser
    ("sigmoid", "pytorch"): {"color": COLOURS[5], "linestyle": "-", "marker": "o"},
    ("sigmoid", "lecun"): {"color": COLOURS[0], "linestyle": "--", "marker": "s"},
}
OTHER: Final = {"color": "black", "linestyle": ":", "marker": "^"}


def published_figures(results: Results, published: Published) -> Figures:
    facts = results.experiment_facts("published_networks")
    yield "published_networks", networks(results.experiment("published_networks", "table"), published.networks)
    tables = (results.experiment("published_networks", f"tutorial{name}") for name in ("_signals", "_epochs", ""))
    yield "published_tutorial", tutorial(*tables, learning_above=facts["learning_above"])


def networks(table: pd.DataFrame, published: Sequence[PublishedFigure]) -> Figure:
    """Test accuracy of each network: a dot a seed, a bar for their mean, a diamond for the published figure."""
    beside = {f"{'-'.join(map(str, each.hidden))}, {each.activation}": [each.value] for each in published}
    names = table["hidden"].astype(str) + ", " + table["activation"]
    rows = {str(name): own.tolist() for name, own in table["test_accuracy"].groupby(names, sort=False)}
    figure, axes = new(1.0 + 0.3 * len(rows))
    strips(axes, rows, beside)
    axes.set_xlabel("test accuracy")
    return key_above(figure)


def tutorial(signals: pd.DataFrame, epochs: pd.DataFrame, runs: pd.DataFrame, *, learning_above: float) -> Figure:
    """Left: delta by layer as initialised, theory as a line; right: the validation accuracy of every training.

    A cross: where the tutorial's rule stops a training. Dotted: above it a network has begun to learn.
    """
    figure, (left, right) = new(3.2, 1, 2, width_ratios=(1, 1.4))
    for cell, rows in signals.groupby(["activation", "init"], sort=False):
        look = LOOKS.get(cell, OTHER)
        left.plot(rows["layer"], rows["predicted"], color=look["color"], linestyle=look["linestyle"])
        left.plot(rows["layer"], rows["measured"], look["marker"], color=look["color"], fillstyle="none")
    left.set(yscale="log", xlabel="hidden layer", ylabel=r"rms $\delta$")
    left.set_xticks(sorted(set(signals["layer"])))
    for cell, rows in epochs.groupby(["activation", "init"], sort=False):
        look, label = LOOKS.get(cell, OTHER), ", ".join(map(str, cell))
        for _, curve in rows.groupby("seed"):
            right.plot(curve["epoch"], curve["validation_accuracy"], markersize=4, label=label, **look)
            label = "_"  # named once
    stopped = runs[runs["stops"] > 0].merge(epochs, on=["activation", "init", "seed"])
    stopped = stopped[stopped["epoch"] == stopped["stops"]]
    right.plot(stopped["epoch"], stopped["validation_accuracy_y"], "x", color="black", markersize=9, markeredgewidth=2)
    right.set(xlabel="epoch", ylabel="validation accuracy")
    right.xaxis.set_major_locator(MaxNLocator(integer=True))
    right.axhline(learning_above, color="black", linewidth=0.8, linestyle=":")
    return key_above(figure, axes=1)
