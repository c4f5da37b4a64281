"""The networks that are compared: where they have which activation, and how they are trained."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from dlstudy.experiments.activation_outputs.params import OutputsParams
from dlstudy.tuning.stacks import Recipe, StackLoss


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


def mixtures(depth: int) -> dict[str, tuple[str, ...]]:
    """The activation of each hidden layer of the middle networks."""
    return {
        "relu": ("relu",) * depth,
        "sigmoid": ("sigmoid",) * depth,
        "sigmoid_first": ("sigmoid", *("relu",) * (depth - 1)),
        "sigmoid_last": (*("relu",) * (depth - 1), "sigmoid"),
        "alternating": tuple(("sigmoid", "relu")[layer % 2] for layer in range(depth)),
    }


def activations_of(cell: Cell, params: OutputsParams) -> tuple[str, ...]:
    match cell.network:
        case "shallow":
            return ("identity" if cell.variant == "identity" else "relu",)
        case "middle":
            return mixtures(params.middle_depth)[cell.variant]
    return ("sigmoid",) * params.deep_depth


def recipe_of(cell: Cell, params: OutputsParams) -> Recipe:
    activations = activations_of(cell, params)
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
