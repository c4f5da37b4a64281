"""Every seed's accuracy by where a network has which activation, and by how deep sigmoid is rescued; learning rates."""

from collections.abc import Iterator
from typing import Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from dlstudy.figures.style import COLOURS
from dlstudy.study.results import Results

EXPERIMENT: Final = "activation_outputs"

SHALLOW: Final = {
    ("linear", "softmax"): "no hidden layer\n(softmax regression)",
    ("shallow", "identity"): "one hidden layer,\nno activation",
    ("shallow", "softmax"): "one hidden layer of ReLU",
    ("shallow", "relu_logits"): "the same,\nReLU on the outputs",
    ("shallow", "one_vs_rest"): "the same, sigmoid and\nbinary cross-entropy",
}
MIDDLE: Final = {
    ("middle", "relu"): "ReLU in all",
    ("middle", "sigmoid"): "sigmoid in all",
    ("middle", "sigmoid_first"): "sigmoid first, then ReLU",
    ("middle", "sigmoid_last"): "ReLU, sigmoid last",
    ("middle", "alternating"): "alternating",
}
DEEP: Final = {
    ("deep", "plain"): "as it is",
    ("deep", "xavier4"): "initial weights times 4",
    ("deep", "batch_norm"): "batch normalisation",
    ("deep", "adam"): "Adam",
    ("deep", "longer"): "longer training",
}
LOOKS: Final = tuple(zip((COLOURS[i] for i in (0, 1, 2, 5, 6)), "osD^v", ("-", "--", "-.", ":", "-"), strict=True))

Names = dict[tuple[str, str], str]


def figures(results: Results) -> Iterator[tuple[str, Figure]]:
    """Each figure with the name of its file, without the ending."""
    per_seed, tuning, chosen = (results.experiment(EXPERIMENT, name) for name in ("per_seed", "tuning", "chosen"))
    facts = results.experiment_facts(EXPERIMENT)
    yield "outputs_accuracy", accuracies(per_seed, facts["middle_depth"])
    yield "outputs_rescues", rescues(per_seed, facts["deep_depth"], facts["reached"])
    yield "outputs_learning_rates", learning_rates(tuning, chosen, facts["middle_depth"], facts["deep_depth"])
    yield "outputs_price", prices(results.experiment(EXPERIMENT, "price_per_seed"))


def of_cell(table: pd.DataFrame, cell: tuple[str, str]) -> pd.DataFrame:
    return table[(table["network"] == cell[0]) & (table["variant"] == cell[1])]


def _strip(axes: Axes, table: pd.DataFrame, names: Names, column: str) -> None:
    """A row a cell: a dot a seed that did not diverge, side by side, and a bar at their mean."""
    for place, cell in enumerate(names):
        rows = of_cell(table, cell)
        values = rows.loc[~rows["diverged"].astype(bool), column].to_numpy()
        heights = [place + 0.3 * (number / max(1, len(values) - 1) - 0.5) for number in range(len(values))]
        axes.plot(values, heights, "o", color=COLOURS[0], markersize=4, alpha=0.7)
        if len(values):
            axes.plot([values.mean()] * 2, [place - 0.3, place + 0.3], color="black", linewidth=1.6)
    axes.set_yticks(range(len(names)), list(names.values()))
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")


def accuracies(per_seed: pd.DataFrame, depth: int) -> Figure:
    """Test accuracy of every seed: networks with one hidden layer at most, and mixed ones."""
    figure = Figure(figsize=(8.2, 5.4))
    upper, lower = figure.subplots(2, 1)
    _strip(upper, per_seed, SHALLOW, "accuracy")
    _strip(lower, per_seed, MIDDLE, "accuracy")
    upper.set_title("Activation between the layers and on the outputs")
    lower.set_title(f"{depth} hidden layers of sigmoid and ReLU")
    lower.set_xlabel("accuracy on the test split (a dot a seed, bar: mean)")
    return figure


def rescues(per_seed: pd.DataFrame, depth: int, reached: float) -> Figure:
    """Validation accuracy of every seed of the deep networks, and what counts as trained."""
    figure = Figure(figsize=(8.2, 3.0))
    axes = figure.subplots()
    _strip(axes, per_seed, DEEP, "accuracy")
    axes.axvline(reached, color=COLOURS[5], linestyle="--", label=f"counts as trained: {reached:g}")
    axes.set_xlim(0, 1)
    axes.set_title(f"{depth} hidden layers of sigmoid")
    axes.set_xlabel("accuracy on the validation split (a dot a seed, bar: mean)")
    axes.legend(loc="lower center")
    return figure


def learning_rates(tuning: pd.DataFrame, chosen: pd.DataFrame, middle: int, deep: int) -> Figure:
    """Mean validation accuracy by learning rate; the chosen one is the large marker, one that diverged a cross."""
    figure = Figure(figsize=(8.2, 6.0))
    grid = figure.subplots(3, 1, sharey=True)
    titles = ("At most one hidden layer", f"{middle} hidden layers", f"{deep} hidden layers of sigmoid")
    for axes, names, title in zip(grid, (SHALLOW, MIDDLE, DEEP), titles, strict=True):
        for place, ((cell, name), (colour, mark, dashes)) in enumerate(zip(names.items(), LOOKS, strict=True)):
            rows = of_cell(tuning, cell)
            diverged = sorted(set(rows.loc[rows["diverged"].astype(bool), "lr"]))
            means = rows.groupby("lr")["validation_accuracy"].mean().drop(diverged)
            label = name.replace("\n", " ")
            axes.plot(means.index, means, dashes, color=colour, marker=mark, markersize=3, label=label)
            axes.plot(diverged, [-0.05 - 0.06 * place] * len(diverged), "x", color=colour, markersize=4)
            lr = of_cell(chosen, cell)["lr"].iloc[0]
            axes.plot(means.index[means.index == lr], means[means.index == lr], mark, color=colour, markersize=9)
        axes.set(xscale="log", title=title, ylim=(-0.1 - 0.06 * len(names), 1))
        axes.set_yticks([0, 0.5, 1])
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))
    grid[1].set_ylabel("validation accuracy")
    grid[-1].set_xlabel("learning rate")
    return figure


def prices(per_seed: pd.DataFrame) -> Figure:
    """The error on test of every seed: linear output, ReLU, and ReLU whose bias does not start at the mean price."""
    names = {
        ("identity", "mean"): "linear output",
        ("relu", "mean"): "ReLU on the output",
        ("relu", "zero"): "ReLU, bias starts at 0\n(no part of the claim)",
    }
    figure = Figure(figsize=(8.2, 2.4))
    axes = figure.subplots()
    table = per_seed.rename(columns={"output": "network", "start": "variant"}).assign(
        thousands=lambda rows: rows["rmse"] / 1000
    )
    _strip(axes, table, names, "thousands")
    axes.set_xlabel("root mean squared error on the test split (thousands of dollars; a dot a seed, bar: mean)")
    return figure
