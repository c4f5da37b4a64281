"""Squared error against cross-entropy, on the images: what the stage of this experiment runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from dlstudy.core.dataset import Dataset, load_dataset
from dlstudy.experiments.losses.comparison import compare
from dlstudy.experiments.losses.params import LossesParams
from dlstudy.tuning.jobs import Memo
from dlstudy.tuning.stacks import Images

PARAMS = LossesParams
SCORED_BY: Final = "experiments/losses/scores.py"


def load() -> Dataset:
    """The images."""
    return load_dataset(Path("data/prepared/images.pt"))


def run(dataset: Dataset, params: LossesParams, seeds: Sequence[int]) -> dict[str, Any]:
    """The tables tuning, chosen, per_seed and controls, and the facts; the seeds are the experiment's own."""
    images = Images.of(dataset)
    found = compare(dataset, images, Memo.of_experiments(images, SCORED_BY), params)
    return {**found.tables, "facts": found.facts}
