"""Signals by layer, forwards and backwards, predicted and measured: what the stage of this experiment runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dlstudy.core.dataset import Dataset, load_dataset
from dlstudy.experiments.signal_propagation.params import SignalParams
from dlstudy.experiments.signal_propagation.propagation import facts, propagate
from dlstudy.experiments.signal_propagation.training import trainings

PARAMS = SignalParams


def load() -> Dataset:
    """The images."""
    return load_dataset(Path("data/prepared/images.pt"))


def run(images: Dataset, params: SignalParams, seeds: Sequence[int]) -> dict[str, Any]:
    """The tables of networks as initialised and of a short training, and the facts."""
    tables = propagate(images, params, seeds) | trainings(images, params, seeds)
    return {**tables, "facts": facts(images, params, seeds)}
