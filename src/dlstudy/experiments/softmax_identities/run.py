"""What softmax is, on the logits of the trained softmax regression: what the stage of this experiment runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from dlstudy.core.dataset import Dataset, load_dataset
from dlstudy.evaluation.scores import network_outputs
from dlstudy.experiments.softmax_identities.identities import identities
from dlstudy.training.params import SgdParams
from dlstudy.training.runs import Parameters, load_runs

SECTION = "train.softmax_regression"  # of params.yaml, in place of one below `experiments`
PARAMS = SgdParams

Inputs = tuple[Dataset, dict[int, Parameters]]


def load() -> Inputs:
    """The images and the trained softmax regressions, by seed."""
    return load_dataset(Path("data/prepared/images.pt")), load_runs(Path("models/softmax_regression.pt"))


def run(inputs: Inputs, params: SgdParams, seeds: Sequence[int]) -> dict[str, Any]:
    """The tables of identities in exact and in floating-point arithmetic, and the facts."""
    found = identities(validation_logits(inputs, params))
    return {**found.tables, "facts": found.facts}


def validation_logits(inputs: Inputs, params: SgdParams) -> dict[int, Tensor]:
    """Logits of the validation images (images, classes), by seed."""
    images, runs = inputs
    return network_outputs(images, images.validation, runs, hidden=params.hidden, activation=params.activation)
