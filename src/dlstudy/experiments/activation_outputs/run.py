"""Activations of outputs, mixed stacks, none at all, rescues: what the stage of this experiment runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dlstudy.core.dataset import Dataset, load_dataset
from dlstudy.experiments.activation_outputs.images import compare, facts_of
from dlstudy.experiments.activation_outputs.params import OutputsParams
from dlstudy.experiments.activation_outputs.price import compare_prices, price_facts

PARAMS = OutputsParams


def load() -> tuple[Dataset, Dataset]:
    """The images and the houses."""
    return load_dataset(Path("data/prepared/images.pt")), load_dataset(Path("data/prepared/housing.pt"))


def run(data: tuple[Dataset, Dataset], params: OutputsParams, seeds: Sequence[int]) -> dict[str, Any]:
    """The tables of the classifiers and of the prices, and the facts of both."""
    images, houses = data
    tables = compare(images, params, seeds) | compare_prices(houses, params.price, seeds)
    facts = facts_of(images, params, seeds) | {"price": price_facts(houses, params.price)}
    return {**tables, "facts": facts}
