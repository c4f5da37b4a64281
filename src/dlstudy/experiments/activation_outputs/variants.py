"""The networks that are compared: where they have which activation, and how they are trained."""

from typing import Final, NamedTuple

from dlstudy.experiments.activation_outputs.params import OutputsParams
from dlstudy.tuning.stacks import Recipe


class Cell(NamedTuple):
    """A network whose learning rate is tuned on its own."""

    network: str  # linear (no hidden layer), shallow (one), middle, deep
    variant: str


SOFTMAX_REGRESSION: Final = Cell("linear", "softmax")
COLLAPSING: Final = Cell("shallow", "identity")
SHALLOW: Final = tuple(Cell("shallow", variant) for variant in ("identity", "softmax", "relu_logits", "one_vs_rest"))
MIDDLE: Final = tuple(
    Cell("middle", variant) for variant in ("relu", "sigmoid", "sigmoid_first", "sigmoid_last", "alternating")
)
DEEP: Final = tuple(Cell("deep", variant) for variant in ("plain", "xavier4", "batch_norm", "adam", "longer"))
CELLS: Final = (SOFTMAX_REGRESSION, *SHALLOW, *MIDDLE, *DEEP)


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
        case "linear":
            return ()
        case "shallow":
            return ("identity" if cell == COLLAPSING else "relu",)
        case "middle":
            return mixtures(params.middle_depth)[cell.variant]
    return ("sigmoid",) * params.deep_depth


def recipe_of(cell: Cell, params: OutputsParams) -> Recipe:
    activations = activations_of(cell, params)
    return Recipe(
        hidden=(params.width,) * len(activations),
        activations=activations,
        batch_size=params.batch_size,
        num_epochs=params.num_epochs * (params.longer if cell.variant == "longer" else 1),
        output="relu" if cell.variant == "relu_logits" else "identity",
        loss="binary_cross_entropy" if cell.variant == "one_vs_rest" else "cross_entropy",
        optimiser="adam" if cell.variant == "adam" else "sgd",
        batch_norm=cell.variant == "batch_norm",
    )


def init_of(cell: Cell) -> str:
    """The customary initialiser; He's for every mixture of ReLU and sigmoid: they start from the same weights."""
    match cell.network:
        case "linear":
            return "zeros"
        case "deep":
            return "xavier4" if cell.variant == "xavier4" else "xavier"
    return "xavier" if cell == COLLAPSING else "he"
