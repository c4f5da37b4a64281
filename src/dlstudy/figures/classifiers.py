"""Classifiers: every seed beside published figures, learning curves, mistakes, and what variants of networks reach."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from dlstudy.figures.style import COLOURS, SMALL, THOUSANDS, Figures, key_above, new, pixels_of, strips, write_cells
from dlstudy.literature.published import Published, PublishedFigure
from dlstudy.study.ladder import in_epochs
from dlstudy.study.results import Results

LEAST_SHOWN = 0.8  # A published run that hardly learnt would squeeze all others together; it stands in the table
NUM_SHOWN = 18
COLUMNS = 6
MARKERS = "osD^vPX"

LOOKS: Final[dict[Any, dict[str, Any]]] = {  # of an activation and initialiser
    ("sigmoid", "pytorch"): {"color": COLOURS[5], "linestyle": "-", "marker": "o"},
    ("sigmoid", "lecun"): {"color": COLOURS[0], "linestyle": "--", "marker": "s"},
}
OTHER: Final = {"color": "black", "linestyle": ":", "marker": "^"}

Names = dict[tuple[str, str], str]

DEEP: Final[Names] = {
    ("deep", "plain"): "SGD",
    ("deep", "xavier4"): "SGD, 4 × init",
    ("deep", "batch_norm"): "SGD, batch norm",
    ("deep", "adam"): "Adam",
}


def figures(results: Results, published: Published) -> Figures:
    classifiers = results.classifiers()
    if shown := [*classifiers, *results.study.vision]:
        per_seed = {name: results.table(name, "per_seed") for name in shown}
        yield "accuracy", accuracy_strip(per_seed, published.fashion_mnist)
    for name in classifiers:
        yield f"{name}_curves", learning_curves(results.history(name))
        yield f"{name}_confusion", confusion_matrix(results.table(name, "confusion"))
        yield f"{name}_mistakes", mistakes_gallery(results.table(name, "mistakes"))


def accuracy_strip(per_seed: Mapping[str, pd.DataFrame], published: Sequence[PublishedFigure]) -> Figure:
    """Test accuracy, a row a model: a dot a seed, a bar for their mean, a diamond for each published figure."""
    shown = [other for other in published if other.beside in per_seed and other.value >= LEAST_SHOWN]
    beside = {name: [other.value for other in shown if other.beside == name] for name in per_seed} if shown else {}
    tests = {name: scores.loc[scores["split"] == "test", "accuracy"].tolist() for name, scores in per_seed.items()}
    return accuracy_strips(1.0 + 0.36 * len(per_seed), tests, beside)


def accuracy_strips(
    height: float, rows: Mapping[str, Sequence[float]], published: Mapping[str, Sequence[float]]
) -> Figure:
    figure, axes = new(height)
    strips(axes, rows, published)
    axes.set_xlabel("test accuracy")
    return key_above(figure)


def plain_losses(axes: Axes) -> None:
    """A logarithmic axis of losses with plain numbers."""
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())


def every_seed(axes: Axes, history: pd.DataFrame, by: str, column: str, colour: str, **look: Any) -> None:
    """A thin line for each seed and a thick one for their mean."""
    by_seed = history.pivot(index=by, columns="seed", values=column)
    axes.plot(by_seed.index, by_seed, color=colour, linewidth=0.7, alpha=0.45)
    axes.plot(by_seed.index, by_seed.mean(axis=1), color=colour, linewidth=1.8, **look)


def learning_curves(history: pd.DataFrame) -> Figure:
    """Loss and accuracy of a classifier by epoch, on training and validation split."""
    figure, panels = new(2.7, 1, 2)
    for axes, quantity in zip(panels, ("loss", "accuracy"), strict=True):
        every_seed(axes, history, "epoch", f"train_{quantity}", COLOURS[1], label="training", linestyle="--")
        every_seed(axes, history, "epoch", f"validation_{quantity}", COLOURS[0], label="validation")
        axes.set(xlabel="epoch", ylabel={"loss": "cross-entropy (nats)"}.get(quantity, quantity))
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    plain_losses(panels[0])
    # What matters happens at the top, once the models have learnt more than to guess.
    learnt = history.loc[history["epoch"] > 0, ["train_accuracy", "validation_accuracy"]].median().min()
    panels[1].set_ylim(0.6 if learnt > 0.7 else 0, 1)
    return key_above(figure)


def confusion_matrix(confusion: pd.DataFrame) -> Figure:
    """The share of each class (rows) that is predicted as each class (columns), in percent; below 1 left blank."""
    names = list(dict.fromkeys(confusion["class"]))
    counts = confusion.pivot(index="class", columns="predicted", values="count").loc[names, names]
    shares = 100 * counts.div(counts.sum(axis=1), axis=0).to_numpy()
    figure, axes = new(5.0)
    # The root brings out the rare mistakes beside the common successes.
    axes.imshow(np.sqrt(shares), cmap="Greys", vmin=0, vmax=10, aspect="auto")
    write_cells(axes, shares, white_above=35, least=1)
    axes.set_xticks(range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="predicted class", ylabel="true class (%)")
    return figure


def mistakes_gallery(mistakes: pd.DataFrame) -> Figure:
    """The images that are wrong with the most confidence, the most confident first: guess?, class and confidence."""
    shown = mistakes.head(NUM_SHOWN)
    rows = max(1, -(-len(shown) // COLUMNS))
    figure, grid = new(1.55 * rows, rows, COLUMNS, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for axes, row in zip(grid.flat, shown.to_dict("records"), strict=False):
        axes.imshow(pixels_of(row["pixels"]), cmap="gray_r", vmin=0, vmax=255)
        axes.set_title(f"{row['predicted']}?\n{row['class']}\n{row['confidence']:.3f}", fontsize=SMALL)
    return figure


def vision_figures(results: Results) -> Figures:
    if models := results.study.vision:
        histories = {name: over_images(results.history(name), params.num_images) for name, params in models.items()}
        yield "vision_curves", vision_curves(histories)
    for name in models:
        yield f"{name}_confusion", confusion_matrix(results.table(name, "confusion"))


def over_images(history: pd.DataFrame, num_images: int) -> pd.DataFrame:
    """The history with the number of images seen: epochs of different sizes are not the same work."""
    return history.assign(seen=num_images * history["epoch"])


def vision_curves(histories: Mapping[str, pd.DataFrame]) -> Figure:
    """Loss and accuracy on validation images over the images `seen`; a thin line a seed, a thick one for their mean."""
    figure, (of_loss, of_accuracy) = new(3.0, 1, 2)
    for axes, column in ((of_loss, "validation_loss"), (of_accuracy, "validation_accuracy")):
        for place, (name, history) in enumerate(histories.items()):
            colour, marker = COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]
            every_seed(axes, history, "seen", column, colour, label=name, marker=marker, markersize=4)
        axes.set_xlabel("images seen")
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.xaxis.set_major_formatter(THOUSANDS)
    of_loss.set_ylabel("validation loss (nats)")
    plain_losses(of_loss)
    reached = [history["validation_accuracy"].max() for history in histories.values()]
    of_accuracy.set(ylabel="validation accuracy", ylim=(0.6 if min(reached) > 0.7 else 0, 1))
    return key_above(figure)


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


def output_figures(results: Results) -> Figures:
    per_seed = results.experiment("activation_outputs", "per_seed")
    facts = results.experiment_facts("activation_outputs")
    yield "outputs_accuracy", accuracies(per_seed, facts["middle_depth"])
    yield "outputs_rescues", rescues(per_seed, facts["reached"])


def _strips(axes: Axes, table: pd.DataFrame, names: Names, column: str) -> None:
    """A row per network and variant, of the seeds that did not diverge."""
    groups = table[~table["diverged"].astype(bool)].groupby(["network", "variant"])[column]
    found = {key: own.tolist() for key, own in groups}
    strips(axes, {name: found.get(key, []) for key, name in names.items()}, {})


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
    longest = deep["budget"].max()  # the plain network at this budget is the last of the rescues
    longer = (deep["budget"] == longest) & (deep["variant"] == "plain")
    words = {("deep", "longer"): f"SGD, {in_epochs(longest)}"}
    _strips(axes, deep.assign(variant=deep["variant"].mask(longer, "longer")), DEEP | words, "validation_accuracy")
    axes.axvline(reached, color=COLOURS[5], linestyle="--")
    axes.set(xlim=(0, 1), xlabel="validation accuracy")
    return key_above(figure)


def published_figures(results: Results, published: Published) -> Figures:
    name = "published_networks"
    yield name, networks(results.experiment(name, "table"), published.networks)
    tables = (results.experiment(name, f"tutorial{part}") for part in ("_signals", "_epochs", ""))
    yield "published_tutorial", tutorial(*tables, learning_above=results.experiment_facts(name)["learning_above"])


def networks(table: pd.DataFrame, published: Sequence[PublishedFigure]) -> Figure:
    """Test accuracy of each network: a dot a seed, a bar for their mean, a diamond for the published figure."""
    beside = {f"{'-'.join(map(str, each.hidden))}, {each.activation}": [each.value] for each in published}
    names = table["hidden"].astype(str) + ", " + table["activation"]
    rows = {str(name): own.tolist() for name, own in table["test_accuracy"].groupby(names, sort=False)}
    return accuracy_strips(1.0 + 0.3 * len(rows), rows, beside)


def tutorial(signals: pd.DataFrame, epochs: pd.DataFrame, runs: pd.DataFrame, *, learning_above: float) -> Figure:
    """Left: delta by layer at first (lines: theory); right: validation accuracy, crossed where the rule stops it."""
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
