"""The whole of params.yaml.

Only the first stage and the reports read the whole. A stage that trained by it would train again whenever any
section changed its shape.
"""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from dlstudy.params.base import PARAMS_FILE, ParamsError, Section, read_yaml, validated
from dlstudy.params.data import (
    DownloadParams,
    FashionMnistParams,
    HousingParams,
    PrepareParams,
    SplitParams,
    SyntheticParams,
)
from dlstudy.params.evaluate import EvaluateParams
from dlstudy.params.train import ModelParams, Seeds

ModelName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]  # becomes a stage's and a file's name


SPLITS: dict[str, type[SplitParams]] = {
    "fashion_mnist": FashionMnistParams,
    "housing": HousingParams,
    "synthetic": SyntheticParams,
}


class StudyParams(Section):
    download: DownloadParams
    prepare: PrepareParams
    seeds: Seeds
    train: Annotated[dict[ModelName, ModelParams], Field(min_length=1)]
    evaluate: EvaluateParams


def load_study(path: Path = PARAMS_FILE) -> StudyParams:
    """All parameters; ParamsError has a line for each problem in any section, and between sections."""
    content = read_yaml(path)
    return validated(content, StudyParams, path=path, context={"num_training_rows": _num_training_rows(content)})


def _num_training_rows(content: dict[str, Any]) -> dict[str, int]:
    """The size of each training split whose section is right, for the sections that must fit it."""
    prepare = content.get("prepare")
    rows = {}
    for name, kind in SPLITS.items():
        try:
            rows[name] = validated(prepare.get(name) if isinstance(prepare, dict) else None, kind).num_training_rows
        except ParamsError:
            continue  # told by the validation of the whole
    return rows
