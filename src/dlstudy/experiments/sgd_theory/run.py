"""What theory says of minibatch SGD, and what is measured: what the stage of this experiment runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dlstudy.core.dataset import Dataset, load_dataset
from dlstudy.experiments.sgd_theory.params import SgdTheoryParams
from dlstudy.experiments.sgd_theory.theory import facts, tables

PARAMS = SgdTheoryParams


def load() -> tuple[Dataset, Dataset]:
    """The houses and the images."""
    return load_dataset(Path("data/prepared/housing.pt")), load_dataset(Path("data/prepared/images.pt"))


def run(data: tuple[Dataset, Dataset], params: SgdTheoryParams, seeds: Sequence[int]) -> dict[str, Any]:
    """Every table and the facts."""
    houses, images = data
    return {**tables(houses, images, params, seeds), "facts": facts(houses, images, params)}
