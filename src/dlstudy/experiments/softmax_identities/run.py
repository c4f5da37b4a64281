"""What softmax is, on the logits of the trained softmax regression: what the stage of this experiment runs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from dlstudy.core.dataset import Dataset, load_dataset
from dlstudy.evaluation.scores import network_outputs
from dlstudy.experiments.softmax_identities import identities, limits
from dlstudy.training.networks import Parameters, load_runs
from dlstudy.training.params import SgdParams

SECTION = "train.softmax_regression"  # of params.yaml, in place of one below `experiments`
PARAMS = SgdParams


def load() -> tuple[Dataset, dict[int, Parameters]]:
    """The images and the trained softmax regressions, by seed."""
    return load_dataset(Path("data/prepared/images.pt")), load_runs(Path("models/softmax_regression.pt"))


def run(inputs: tuple[Dataset, dict[int, Parameters]], params: SgdParams, seeds: Sequence[int]) -> dict[str, Any]:
    """The tables of identities in exact and in floating-point arithmetic, and the facts."""
    images, runs = inputs
    return findings(network_outputs(images, images.validation, runs, params))


def findings(logits: Mapping[int, Tensor]) -> dict[str, Any]:
    """The same, from the logits (images, classes) of each seed."""
    by_name = {f"seed {seed}": values for seed, values in logits.items()}
    return {
        "scales": identities.scales(),
        "shifts": identities.shifts(by_name),
        "limits": limits.limits(),
        "huge": limits.huge(),
        "log_probabilities": limits.log_probabilities(),
        "gaps": limits.gaps(),
        "sums": identities.sums(by_name),
        "trained": identities.trained(logits),
        "facts": identities.facts(),
    }
