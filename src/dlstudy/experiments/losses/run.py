"""Squared error against cross-entropy, on the images: what the stage of this experiment runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dlstudy.core.dataset import Dataset, load_dataset
from dlstudy.experiments.losses.comparison import compare
from dlstudy.experiments.losses.params import LossesParams

PARAMS = LossesParams


def load() -> Dataset:
    """The images."""
    return load_dataset(Path("data/prepared/images.pt"))


def run(images: Dataset, params: LossesParams, seeds: Sequence[int]) -> dict[str, Any]:
    """The tables tuning, chosen, per_seed and controls, and the facts."""
    found = compare(images, params, seeds)
    return {**found.tables, "facts": found.facts}
