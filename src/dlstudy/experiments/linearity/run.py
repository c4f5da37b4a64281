"""Is the price of a house linear in its area and age? And two published fits again: what the stage runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from dlstudy.data.housing import read_table, sales_of
from dlstudy.experiments.linearity.params import LinearityParams
from dlstudy.experiments.linearity.plane import curves, facts, score_folds
from dlstudy.experiments.linearity.published import reproduced, score_splits
from dlstudy.literature.published import load_published

PARAMS = LinearityParams


def load() -> pd.DataFrame:
    """The raw table of the houses: all sales and columns."""
    return read_table(Path("data/raw/housing/ames_housing.csv"))


def run(table: pd.DataFrame, params: LinearityParams, seeds: Sequence[int]) -> dict[str, Any]:
    """The tables folds, curves, splits and reproduced, and the facts; no seed of the study plays a part."""
    sales, splits = sales_of(table), score_splits(table, params)
    return {
        "folds": score_folds(sales, params),
        "curves": curves(sales, params.num_knots),
        "splits": splits,
        "reproduced": reproduced(table, splits, load_published().housing),
        "facts": facts(sales, params),
    }
