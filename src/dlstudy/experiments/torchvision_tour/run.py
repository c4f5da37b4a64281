"""The parts of torchvision, and properties of its transforms: what the stage of this experiment runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dlstudy.core.dataset import Split, load_dataset
from dlstudy.experiments.torchvision_tour.params import TourParams
from dlstudy.experiments.torchvision_tour.tour import facts, tour

PARAMS = TourParams


def load() -> tuple[Split, Path]:
    """The test images, and the folder of the files that they were read from."""
    return load_dataset(Path("data/prepared/images.pt")).test, Path("data/raw/images")


def run(data: tuple[Split, Path], params: TourParams, seeds: Sequence[int]) -> dict[str, Any]:
    """The tables parts, properties and weights, and the facts; no seed of the study plays a part."""
    test, folder = data
    return {**tour(test, folder, params), "facts": facts(test, params)}
