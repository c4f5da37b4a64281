"""Closed forms, collinear columns, the minima of a small MLP: what the stage of this experiment runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dlstudy.core.dataset import load_dataset
from dlstudy.data.housing import read_table
from dlstudy.experiments.linear_theory.params import LinearTheoryParams
from dlstudy.experiments.linear_theory.theory import Inputs, facts, tables

PARAMS = LinearTheoryParams


def load() -> Inputs:
    """The houses, prepared and as they come, the synthetic problem and the images."""
    return Inputs(
        houses=load_dataset(Path("data/prepared/housing.pt")),
        table=read_table(Path("data/raw/housing/ames_housing.csv")),
        synthetic=load_dataset(Path("data/prepared/synthetic.pt")),
        images=load_dataset(Path("data/prepared/images.pt")),
    )


def run(inputs: Inputs, params: LinearTheoryParams, seeds: Sequence[int]) -> dict[str, Any]:
    """Every table and the facts."""
    return {**tables(inputs, params, seeds), "facts": facts(inputs, params, seeds)}
