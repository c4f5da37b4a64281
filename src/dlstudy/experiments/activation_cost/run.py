"""The time that activations take; nothing else should run meanwhile. What the stage of this experiment runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dlstudy.core.dataset import Dataset, load_dataset
from dlstudy.experiments.activation_cost.params import CostParams
from dlstudy.experiments.activation_cost.timing import epoch_times, kernel_times

PARAMS = CostParams


def load() -> Dataset:
    """The images."""
    return load_dataset(Path("data/prepared/images.pt"))


def run(images: Dataset, params: CostParams, seeds: Sequence[int]) -> dict[str, Any]:
    """The tables kernels and epochs: seconds of every round."""
    return {"kernels": kernel_times(params), "epochs": epoch_times(images, params)}
