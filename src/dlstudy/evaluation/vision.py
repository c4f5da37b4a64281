"""Networks of torchvision on the test split: what every classifier is told by, and the filters of the first layer."""

import dataclasses
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from dlstudy.core.base.dataset import Dataset
from dlstudy.core.execution import map_runs
from dlstudy.core.networks import Parameters, Run
from dlstudy.evaluation.scores import Evaluation, of_classification
from dlstudy.vision.networks import outputs_of_run
from dlstudy.vision.params import VisionParams

NUM_FILTERS: Final = 64


def evaluate_vision(dataset: Dataset, params: VisionParams, runs: Sequence[Run], num_mistakes: int) -> Evaluation:
    """All that is told about a trained network; the only look at the test split."""
    parameters = {run.seed: run.parameters for run in runs}
    label = f"evaluate {params.builder}"
    found = map_runs(outputs_of_run, list(parameters), label=label, shared=(dataset, params, parameters))
    of_validation, of_test = (dict(zip(parameters, outputs, strict=True)) for outputs in zip(*found, strict=True))
    evaluation = of_classification(dataset, of_validation, of_test, num_mistakes)
    return dataclasses.replace(evaluation, tables=evaluation.tables | {"filters": filter_table(runs[0].parameters)})


def filter_table(parameters: Parameters) -> pd.DataFrame:
    """One row per filter of the first convolution, 64 at most: its shape, and its float32 weights as hexadecimal."""
    weights = next(values for values in parameters.values() if values.ndim == 4)[:NUM_FILTERS]
    _, channels, side, _ = weights.shape
    digits = [each.contiguous().numpy().astype("<f4").tobytes().hex() for each in weights]
    return pd.DataFrame({"filter": range(len(weights)), "channels": channels, "side": side, "weights": digits})


def filters_in(table: pd.DataFrame) -> np.ndarray[Any, Any]:
    """What `filter_table` wrote: float32 (filters, channels, side, side)."""
    values = [np.frombuffer(bytes.fromhex(digits), "<f4") for digits in table["weights"].astype(str)]
    channels, side = table["channels"].iloc[0], table["side"].iloc[0]
    return np.stack(values).reshape(len(table), channels, side, side).astype(np.float32)
