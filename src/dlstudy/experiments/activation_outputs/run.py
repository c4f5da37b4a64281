"""Activations of the outputs, mixed activations, none at all, and deep sigmoid networks with a rescue each.

Every cell has its learning rate tuned by rungs, as on the ladder: on its own, with seeds of its own and on validation
splits only. Then each seed that counts divides the images anew, the same for every cell, and the test split is scored
once. Prices of houses stand beside the images (`price`).
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import pandas as pd

from dlstudy.core.base.dataset import Dataset, load_dataset
from dlstudy.core.base.errors import StudyError
from dlstudy.experiments.activation_outputs.logits import confirming_job
from dlstudy.experiments.activation_outputs.params import OutputsParams
from dlstudy.experiments.activation_outputs.price import compare_prices
from dlstudy.tuning.jobs import Memo, Networks, Row, chosen_table, sorted_table, tuning_table
from dlstudy.tuning.params import step_of
from dlstudy.tuning.rungs import Climb, Configuration, climb_rungs
from dlstudy.tuning.stacks import Images, Member, Recipe, StackLoss

PARAMS = OutputsParams
SCORED_BY: Final = "experiments/activation_outputs/logits.py"


class Cell(NamedTuple):
    """A network whose learning rate is tuned on its own."""

    network: str  # shallow (one hidden layer), middle, deep
    variant: str
    budget: float  # epochs


VARIANTS: Final = {
    "shallow": ("identity", "softmax", "relu_logits", "one_vs_rest", "squared_error", "tanh"),
    "middle": ("relu", "sigmoid", "sigmoid_first", "sigmoid_last", "alternating"),
    "deep": ("plain", "xavier4", "batch_norm", "adam"),
}
RESCUES: Final = ("xavier4", "batch_norm", "adam")
"""Of deep sigmoid networks at the shortest budget; a longer one is a rescue, too, of the plain network."""

OUTPUTS: Final = {"relu_logits": "relu", "tanh": "tanh"}
"""The activation of the outputs, where they have one."""

LOSSES: Final[dict[str, StackLoss]] = {
    "one_vs_rest": "binary_cross_entropy",
    "squared_error": "squared_error",
    "tanh": "squared_error",
}
"""The loss, where it is not cross-entropy."""


def load() -> tuple[Dataset, Dataset]:
    """The images and the houses."""
    return load_dataset(Path("data/prepared/images.pt")), load_dataset(Path("data/prepared/housing.pt"))


def run(data: tuple[Dataset, Dataset], params: OutputsParams, seeds: Sequence[int]) -> dict[str, Any]:
    """The tables of the classifiers (with seeds of their own) and of the prices, and the facts of both."""
    dataset, houses = data
    images = Images.of(dataset)
    tables = compare(images, Memo.of_experiments(images, SCORED_BY), params)
    return {**tables, **compare_prices(houses, params.price, seeds), "facts": facts_of(dataset, houses, params)}


def compare(images: Images, memo: Memo, params: OutputsParams) -> dict[str, pd.DataFrame]:
    """Every table of the images: tune, train with every seed, score. StudyError if one would be empty."""
    networks = networks_of(images, memo, params)
    rungs = [
        [Climb(cell, params.tuning_seeds, images.guessing) for cell in cells] for cells in rungs_of(params.budgets)
    ]
    climbs = climb_rungs(rungs, partial(starts_of, params), networks.scored)
    found = networks.confirmed(climbs, params.seeds, params.stack_size, confirming_job, "scores and logits")
    tables: dict[str, list[Row]] = {"per_seed": [], "collapse": [], "logits": []}
    for trial, row in found:
        for table, cells in row.items():
            tables[table].append({**trial.place._asdict(), "seed": trial.seed, **cells})
    for table, kind in (("collapse", "without an activation"), ("logits", "with an activation")):
        if not tables[table]:
            raise StudyError(
                "experiments.activation_outputs.learning_rates: expected rates at which networks with one hidden layer "
                f"{kind} do not all diverge, found {list(params.learning_rates)}; add smaller ones"
            )
    return {
        "tuning": tuning_table(climbs),
        "chosen": chosen_table(climbs),
        **{name: sorted_table(rows, [*Cell._fields, "seed"]) for name, rows in tables.items()},
    }


def facts_of(dataset: Dataset, houses: Dataset, params: OutputsParams) -> Row:
    """What was compared, and on what."""
    return {
        **params.model_dump(exclude={"price"}),
        "num_seeds": len(params.seeds),
        "num_examples": dataset.num_examples,
        "num_classes": dataset.num_outputs,
        "mixtures": mixtures(params.middle_depth),
        "price": {
            **params.price.model_dump(),
            "num_examples": houses.num_examples,
            "features": list(houses.feature_names),
        },
    }


# --- The networks: where they have which activation, and how they are trained ---


def rungs_of(budgets: Sequence[float]) -> list[list[Cell]]:
    """The cells of each budget."""
    return [
        [
            Cell(network, variant, budget)
            for network, variants in VARIANTS.items()
            for variant in variants
            if rung == 0 or variant not in RESCUES
        ]
        for rung, budget in enumerate(budgets)
    ]


def starts_of(params: OutputsParams, cell: Cell) -> list[Configuration]:
    """What a cell of the lowest rung tries first."""
    rates = params.adam_learning_rates if cell.variant == "adam" else params.learning_rates
    return [Configuration(init_of(cell), step_of(lr)) for lr in rates]


def networks_of(images: Images, memo: Memo, params: OutputsParams) -> Networks[Cell]:
    return Networks(
        images,
        memo,
        "activation_outputs",
        recipe_of=lambda cell: recipe_of(cell, params),
        member_of=lambda trial: Member(trial.seed, trial.configuration.init, trial.configuration.lr),
    )


def mixtures(depth: int) -> dict[str, tuple[str, ...]]:
    """The activation of each hidden layer of the middle networks."""
    return {
        "relu": ("relu",) * depth,
        "sigmoid": ("sigmoid",) * depth,
        "sigmoid_first": ("sigmoid", *("relu",) * (depth - 1)),
        "sigmoid_last": (*("relu",) * (depth - 1), "sigmoid"),
        "alternating": tuple(("sigmoid", "relu")[layer % 2] for layer in range(depth)),
    }


def recipe_of(cell: Cell, params: OutputsParams) -> Recipe:
    activations: tuple[str, ...] = ("sigmoid",) * params.deep_depth
    if cell.network == "shallow":
        activations = ("identity" if cell.variant == "identity" else "relu",)
    elif cell.network == "middle":
        activations = mixtures(params.middle_depth)[cell.variant]
    return Recipe(
        hidden=(params.width,) * len(activations),
        activations=activations,
        batch_size=params.batch_size,
        num_epochs=cell.budget,
        output=OUTPUTS.get(cell.variant, "identity"),
        loss=LOSSES.get(cell.variant, "cross_entropy"),
        optimiser="adam" if cell.variant == "adam" else "sgd",
        batch_norm=cell.variant == "batch_norm",
        output_init="pytorch",
    )


def init_of(cell: Cell) -> str:
    """The customary initialiser of the hidden layers; He's for every mixture of ReLU and sigmoid."""
    if cell.network == "deep":
        return "xavier4" if cell.variant == "xavier4" else "xavier"
    return "xavier" if cell.variant == "identity" else "he"
