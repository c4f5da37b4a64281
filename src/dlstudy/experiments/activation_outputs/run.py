"""Activations of outputs, mixed stacks, none at all, rescues: what the stage of this experiment runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from dlstudy.core.dataset import Dataset, load_dataset
from dlstudy.experiments.activation_outputs.images import compare, facts_of
from dlstudy.experiments.activation_outputs.params import OutputsParams
from dlstudy.experiments.activation_outputs.price import compare_prices, price_facts
from dlstudy.tuning.jobs import Memo
from dlstudy.tuning.stacks import Images

PARAMS = OutputsParams
SCORED_BY: Final = "experiments/activation_outputs/logits.py"


def load() -> tuple[Dataset, Dataset]:
    """The images and the houses."""
    return load_dataset(Path("data/prepared/images.pt")), load_dataset(Path("data/prepared/housing.pt"))


def run(data: tuple[Dataset, Dataset], params: OutputsParams, seeds: Sequence[int]) -> dict[str, Any]:
    """The tables of the classifiers (with seeds of their own) and of the prices, and the facts of both."""
    dataset, houses = data
    images = Images.of(dataset)
    tables = compare(images, Memo.of_experiments(images, SCORED_BY), params)
    facts = facts_of(dataset, params) | {"price": price_facts(houses, params.price)}
    return {**tables, **compare_prices(houses, params.price, seeds), "facts": facts}
