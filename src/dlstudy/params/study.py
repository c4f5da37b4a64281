"""The whole of params.yaml.

Only the first stage and the reports read the whole. A stage that trained by it would train again whenever any
section changed its shape.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from dlstudy.params.base import PARAMS_FILE, ParamsError, Section, problems_error, read_yaml, validated
from dlstudy.params.data import (
    DownloadParams,
    HousingParams,
    ImagesParams,
    PrepareParams,
    SplitParams,
    SyntheticParams,
)
from dlstudy.params.evaluate import EvaluateParams
from dlstudy.params.experiments import ExperimentsParams
from dlstudy.params.judge import JudgeParams
from dlstudy.params.sweep import SweepParams
from dlstudy.params.train import ModelParams, Seeds, SgdParams

ModelName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]  # becomes a stage's and a file's name


SPLITS: dict[str, type[SplitParams]] = {
    "images": ImagesParams,
    "housing": HousingParams,
    "synthetic": SyntheticParams,
}


class StudyParams(Section):
    download: DownloadParams
    prepare: PrepareParams
    seeds: Seeds
    train: Annotated[dict[ModelName, ModelParams], Field(min_length=1)]
    evaluate: EvaluateParams
    experiments: ExperimentsParams
    sweep: SweepParams
    judge: JudgeParams


def load_study(path: Path = PARAMS_FILE) -> StudyParams:
    """All parameters; ParamsError has a line for each problem in any section, and between sections."""
    content = read_yaml(path)
    study = validated(content, StudyParams, path=path, context=_num_rows(content))
    if problems := list(_lacking_for_claims(study)):
        raise problems_error(path, problems)
    return study


def _lacking_for_claims(study: StudyParams) -> Iterator[str]:
    """Models and seeds without which there is no evidence for a claim."""
    if len(study.seeds) < 2:
        yield f"seeds: expected 2 at least, since claims compare them, found {list(study.seeds)}"
    if both := sorted(set(study.sweep.protocol.tuning_seeds) & set(study.seeds)):
        yield f"sweep.protocol.tuning_seeds: expected none of the study's own seeds, found {both}"
    classifiers = {
        name: model for name, model in study.train.items() if isinstance(model, SgdParams) and model.data == "images"
    }
    if "softmax_regression" not in classifiers or classifiers["softmax_regression"].hidden:
        yield "train.softmax_regression: expected a classifier of images, which claims are about, without hidden layers"
    if not any(model.hidden for model in classifiers.values()):
        yield "train: expected a classifier of images with hidden layers, which claims are about, found none"


def _num_rows(content: dict[str, Any]) -> dict[str, dict[str, int]]:
    """The sizes of the training and validation splits whose section is right, for the sections that must fit them."""
    prepare = content.get("prepare")
    training, validation = {}, {}
    for name, kind in SPLITS.items():
        try:
            section = validated(prepare.get(name) if isinstance(prepare, dict) else None, kind)
        except ParamsError:
            continue  # told by the validation of the whole
        training[name], validation[name] = section.num_training_rows, section.num_validation_rows
    return {"num_training_rows": training, "num_validation_rows": validation}
