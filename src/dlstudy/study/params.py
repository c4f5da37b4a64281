"""The whole of params.yaml, for the first stage and the reports: what trained by it would train again all the time."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, get_args

from pydantic import AfterValidator, Field, field_validator

from dlstudy.core.base.errors import StudyError
from dlstudy.core.base.params import (
    PARAMS_FILE,
    EntryName,
    ParamsError,
    PositiveFloat,
    Section,
    problems_error,
    read_yaml,
    validated,
)
from dlstudy.core.params import DataName, Seeds, SgdParams
from dlstudy.data.image_folders import num_train_images
from dlstudy.data.image_sets import IdxSet, load_image_set
from dlstudy.data.params import PrepareParams
from dlstudy.download.params import DownloadParams
from dlstudy.evaluation.params import EvaluateParams, ModelParams
from dlstudy.experiments.activation_cost.params import CostParams
from dlstudy.experiments.activation_outputs.params import OutputsParams
from dlstudy.experiments.census.params import CensusParams
from dlstudy.experiments.ladder.params import LadderParams
from dlstudy.experiments.linear_theory.params import LinearTheoryParams
from dlstudy.experiments.linearity.params import LinearityParams
from dlstudy.experiments.losses.params import LossesParams
from dlstudy.experiments.mlp_rates.params import MlpRatesParams
from dlstudy.experiments.published_networks.params import PublishedNetworksParams
from dlstudy.experiments.sgd_theory.params import SgdTheoryParams
from dlstudy.experiments.signal_propagation.params import SignalParams
from dlstudy.experiments.torchvision_tour.params import TourParams
from dlstudy.vision.params import FeaturesParams, VisionParams


def _is_no_data_set(name: str) -> str:
    if name in get_args(DataName):
        raise ValueError(f"expected a name that no data set has, found {name!r}")
    return name


FeaturesName = Annotated[EntryName, AfterValidator(_is_no_data_set)]
WIDEST_MARGIN: Final = 50.0


class ExperimentsParams(Section):
    census: CensusParams
    linear_theory: LinearTheoryParams
    linearity: LinearityParams
    sgd_theory: SgdTheoryParams
    losses: LossesParams
    signal_propagation: SignalParams
    activation_cost: CostParams
    activation_outputs: OutputsParams
    mlp_rates: MlpRatesParams
    published_networks: PublishedNetworksParams
    torchvision_tour: TourParams


class JudgeParams(Section):
    margin: PositiveFloat  # accuracy points: a smaller difference is negligible
    confidence: Annotated[float, Field(gt=0.5, lt=1)]  # of every interval; 2 * confidence - 1 in two one-sided tests

    @field_validator("margin")
    @classmethod
    def _leaves_something_to_decide(cls, margin: float) -> float:
        if margin >= WIDEST_MARGIN:
            raise ValueError(
                f"expected less than {WIDEST_MARGIN:g} accuracy points, found {margin:g}: within that, all classifiers "
                "that are better than guessing are equivalent, and no comparison could come out otherwise"
            )
        return margin


class StudyParams(Section):
    download: DownloadParams
    prepare: PrepareParams
    features: dict[FeaturesName, FeaturesParams]
    seeds: Seeds
    train: Annotated[dict[EntryName, ModelParams], Field(min_length=1)]
    vision: dict[EntryName, VisionParams]
    evaluate: EvaluateParams
    experiments: ExperimentsParams
    ladder: LadderParams
    judge: JudgeParams

    @property
    def classifiers(self) -> dict[str, SgdParams]:
        """The models of images."""
        models = self.train.items()
        return {name: model for name, model in models if isinstance(model, SgdParams) and model.data == "images"}


def load_study(path: Path = PARAMS_FILE, *, datasets: Path | None = None) -> StudyParams:
    """All parameters; ParamsError has a line for each problem in any section, and between sections.

    The images that they name are looked up in the folder `datasets`, and sizes compared with it. None leaves that out:
    the reports are written where the images need not be.
    """
    content = read_yaml(path)
    study = validated(content, StudyParams, path=path, context=_context(content, datasets))
    if problems := list(_lacking_for_claims(study)):
        raise problems_error(path, problems)
    return study


def _lacking_for_claims(study: StudyParams) -> Iterator[str]:
    """Models and seeds without which there is no evidence for a claim."""
    if len(study.seeds) < 2:
        yield f"seeds: expected at least 2, since claims compare them, found {list(study.seeds)}"
    of = study.experiments
    for key, tuning_seeds, name, seeds in (
        ("mlp_rates.tuning_seeds", of.mlp_rates.tuning_seeds, "seeds", study.seeds),
        ("activation_outputs.price.tuning_seeds", of.activation_outputs.price.tuning_seeds, "seeds", study.seeds),
        ("losses.again_tuning_seeds", of.losses.again_tuning_seeds, "experiments.losses.seeds", of.losses.seeds),
    ):
        if both := sorted(set(tuning_seeds) & set(seeds)):
            yield f"experiments.{key}: expected tuning seeds that are not among `{name}`, which evaluate, found {both}"
    if both_kinds := sorted(study.train.keys() & study.vision.keys()):
        yield f"vision: expected names that no model of `train` has, found {', '.join(both_kinds)}"
    classifiers = study.classifiers
    if "softmax_regression" not in classifiers or classifiers["softmax_regression"].hidden:
        yield "train.softmax_regression: expected a classifier of images, which claims are about, without hidden layers"
    tuned = [name for name, model in classifiers.items() if model.hidden and model.loss != "squared_error"]
    if not any(model.hidden for model in classifiers.values()):
        yield "train: expected a classifier of images with hidden layers, which claims are about, found none"
    elif unknown := sorted(set(study.experiments.mlp_rates.models) - set(tuned)):
        yield (
            "experiments.mlp_rates.models: expected classifiers of images in `train` with hidden layers and"
            f" cross-entropy, {', '.join(tuned)}, found {', '.join(unknown)}"
        )


def _context(content: dict[str, Any], datasets: Path | None) -> dict[str, Any]:
    """What sections must know of others: sizes of splits, names of data sets, weights that are downloaded."""
    downloaded = _mapping(content, "download").get("weights")
    images = _images(content, datasets) if datasets else {}
    return {
        **images,
        **_num_rows(content, images),
        "data_names": [*get_args(DataName), *_mapping(content, "features")],
        "downloaded_weights": downloaded if isinstance(downloaded, list) else None,
    }


def _images(content: dict[str, Any], datasets: Path) -> dict[str, Any]:
    """How many images there are to be divided into training and validation split, or what is wrong with the set."""
    name = _mapping(_mapping(content, "prepare"), "images").get("dataset")
    if not isinstance(name, str):
        return {}  # reported by the validation of the whole
    try:
        image_set = load_image_set(name, datasets)
        if isinstance(image_set, IdxSet):
            return {"num_images": image_set.num_train}
        return {"num_images": num_train_images(image_set, image_set.folder(datasets))}
    except StudyError as error:
        return {"images_problem": str(error)}


def _num_rows(content: dict[str, Any], images: dict[str, Any]) -> dict[str, dict[str, int]]:
    """The sizes of the training and validation splits whose section is right, for the sections that must fit them."""
    training, validation = {}, {}
    for name, field in PrepareParams.model_fields.items():
        kind: Any = field.annotation
        with contextlib.suppress(ParamsError):  # reported by the validation of the whole
            section = validated(_mapping(content, "prepare").get(name), kind, context=images)
            training[name], validation[name] = section.train_size, section.validation_size
    for name, features in _mapping(content, "features").items():
        with contextlib.suppress(ParamsError):
            training.setdefault(name, validated(features, FeaturesParams).num_images)
    return {"num_training_rows": training, "num_validation_rows": validation}


def _mapping(content: dict[str, Any], key: str) -> dict[str, Any]:
    """A section of the whole, or an empty one where it is not as it should be."""
    section = content.get(key)
    return section if isinstance(section, dict) else {}
