"""Published networks, trained again with their settings: what the stage of this experiment runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dlstudy.core.dataset import Dataset, load_dataset
from dlstudy.experiments.published_networks.networks import facts, train_all
from dlstudy.experiments.published_networks.params import PublishedNetworksParams

PARAMS = PublishedNetworksParams


def load() -> Dataset:
    """The images."""
    return load_dataset(Path("data/prepared/images.pt"))


def run(images: Dataset, params: PublishedNetworksParams, seeds: Sequence[int]) -> dict[str, Any]:
    """The tables of both publications' networks, and the facts."""
    return {**train_all(images, params, seeds), "facts": facts(images, params, seeds)}
