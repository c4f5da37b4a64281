"""The committed results, of the models that params.yaml names and no others, and the versions that they come from."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar, cast

import pandas as pd

from dlstudy.core.base.errors import DataError, StudyError
from dlstudy.core.params import ClosedFormParams, SgdParams
from dlstudy.data.image_sets import DATASETS, ImageSet, load_image_set
from dlstudy.study.params import StudyParams

Made = TypeVar("Made")

LEAST_SIDE: Final = 5  # of a filter in which there is something to be seen
METRICS = Path("metrics")
RESULTS = Path("results")
TIMING = Path("timing")  # what depends on wall-clock time, kept apart so that nothing deterministic depends on it


class MissingResultError(StudyError, FileNotFoundError):
    """A result that a figure or report needs has not been computed."""


@dataclass(frozen=True)
class Results:
    """The results below `root`, a checkout. What reads raises MissingResultError, which names file and stage."""

    root: Path
    study: StudyParams
    _made: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)  # what `once` keeps

    JUDGED: ClassVar[Path] = RESULTS  # the folder of verdicts and evidence
    JUDGE: ClassVar[str] = "judge"  # the stage that writes them

    def metrics(self, model: str) -> dict[str, float]:
        return dict(self._json(METRICS / f"{model}.json", self._stage(model, "evaluate")))

    def history(self, model: str) -> pd.DataFrame:
        """One row per seed and epoch; see `training.networks.history_table`."""
        return self._csv(RESULTS / "history" / f"{model}.csv", self._stage(model, "train"))

    def table(self, model: str, name: str) -> pd.DataFrame:
        """A table of a model's evaluation, such as per_seed or confusion; see `evaluation.scores`."""
        return self._csv(RESULTS / "evaluation" / model / f"{name}.csv", self._stage(model, "evaluate"))

    def large_filters(self) -> dict[str, pd.DataFrame]:
        """The filters that say something as pictures, by network of torchvision that starts from random weights."""
        scratch = [name for name, params in self.study.vision.items() if params.weights is None]
        tables = {name: self.table(name, "filters") for name in scratch}
        return {name: table for name, table in tables.items() if table["side"].iloc[0] >= LEAST_SIDE}

    def facts(self, data: str) -> dict[str, Any]:
        """What the data sheet of a data set says."""
        return self._json(RESULTS / "data" / data / "facts.json", f"prepare@{data}")

    def image_set(self) -> ImageSet:
        """Which images the results are about."""
        return load_image_set(self.facts("images")["dataset"], self.root / DATASETS)

    def experiment(self, name: str, table: str) -> pd.DataFrame:
        """A table of an experiment; of one on a model at a time, `name` is "mlp_rates/mlp_relu"."""
        return self._csv(RESULTS / "experiments" / name / f"{table}.csv", name.replace("/", "@"))

    def experiment_facts(self, name: str) -> dict[str, Any]:
        return self._json(RESULTS / "experiments" / name / "facts.json", name.replace("/", "@"))

    def timing(self, name: str, table: str) -> pd.DataFrame:
        return self._csv(TIMING / name / f"{table}.csv", name)

    @property
    def whole(self) -> "Results":
        """With the whole ladder: itself, but where an arm stands in the ladder's place."""
        return self

    def ladder(self, name: str, table: str) -> pd.DataFrame:
        """A table of an activation on the ladder, or of an arm of it: tuning, chosen or per_seed."""
        stage = "ladder_arm" if name in self.study.ladder.arms else "ladder"
        return self._csv(RESULTS / "ladder" / name / f"{table}.csv", f"{stage}@{name}")

    def verdicts(self) -> pd.DataFrame:
        """One row per reading; see `judging.tables.verdict_table`."""
        return self._csv(self.JUDGED / "verdicts.csv", self.JUDGE, words=True)

    def answers(self) -> pd.DataFrame:
        """One row per statement; see `judging.tables.answer_table`."""
        return self._csv(self.JUDGED / "answers.csv", self.JUDGE)

    def versions(self) -> pd.DataFrame:
        return self._csv(RESULTS / "versions.csv", "judge", words=True)

    def controls(self) -> pd.DataFrame:
        return self._csv(RESULTS / "controls.csv", "judge", words=True)

    def arms(self) -> pd.DataFrame:
        """One row per arm of the ladder and reading; see `judging.judgement.arm_table`."""
        return self._csv(RESULTS / "arms.csv", "judge")

    def evidence(self) -> dict[str, Any]:
        """By reading; see `judging.tables.evidence_content`."""
        return self._json(self.JUDGED / "evidence.json", self.JUDGE)

    def sales(self) -> pd.DataFrame:
        """One row per sale of a house: price, area, age."""
        return self._csv(RESULTS / "data" / "housing" / "sales.csv", "prepare@housing")

    def classifiers(self, *, hidden: bool | None = None) -> dict[str, SgdParams]:
        """The models of images, in the order of params.yaml; only those with or without hidden layers, if asked."""
        models = self.study.classifiers
        return {name: model for name, model in models.items() if hidden in (None, bool(model.hidden))}

    def transfers(self) -> dict[str, SgdParams]:
        """The models of what a frozen network makes of the images, in the order of params.yaml."""
        models, features = self.study.train.items(), self.study.features
        return {name: model for name, model in models if isinstance(model, SgdParams) and model.data in features}

    def classifier_histories(self) -> pd.DataFrame:
        """The histories of all classifiers in one table, with a column for the model."""
        histories = [self.history(name).assign(model=name) for name in self.classifiers()]
        return pd.concat(histories) if histories else pd.DataFrame(columns=["epoch", "validation_accuracy", "model"])

    def regressors(self, data: str) -> dict[str, ClosedFormParams | SgdParams]:
        """The models of a regression data set, in the order of params.yaml."""
        return {name: model for name, model in self.study.train.items() if model.data == data}

    def closed_form(self, data: str) -> str | None:
        """The first model that solves a regression data set in closed form, if there is one."""
        models = self.regressors(data).items()
        return next((name for name, model in models if isinstance(model, ClosedFormParams)), None)

    def linear_descents(self, data: str) -> list[str]:
        """The linear models of a regression data set that are trained by SGD."""
        models = self.regressors(data).items()
        return [name for name, model in models if isinstance(model, SgdParams) and not model.hidden]

    def once(self, key: Any, make: Callable[[], Made]) -> Made:
        """What `make` gave when the key was first asked for; an error is not kept. It is shared: do not change it."""
        if key not in self._made:
            self._made[key] = make()
        return cast(Made, self._made[key])

    def _stage(self, model: str, kind: str) -> str:
        return f"vision@{model}" if model in self.study.vision else f"{kind}@{model}"

    def _csv(self, path: Path, stage: str, *, words: bool = False) -> pd.DataFrame:
        """A table; with `words`, an entry such as "n/a" is the word and no missing value."""
        table: pd.DataFrame = self._content(path, stage, lambda file: pd.read_csv(file, keep_default_na=not words))
        return table.copy(deep=False)  # shares its columns until someone writes to one

    def _json(self, path: Path, stage: str) -> dict[str, Any]:
        return dict(self._content(path, stage, lambda file: json.loads(file.read_text(encoding="utf-8"))))

    def _content(self, path: Path, stage: str, read: Callable[[Path], Any]) -> Any:
        if path in self._made:
            return self._made[path]
        file = self.root / path
        if not file.is_file():
            raise MissingResultError(f"{path}: expected the result of stage {stage}, found no file; run `dvc repro`")
        try:
            return self._made.setdefault(path, read(file))
        except ValueError:  # of what pandas or json cannot read, and of what is no UTF-8
            hint = f"run `git checkout {file}` or `dvc repro`"
            raise DataError(f"{file}: expected a result, found a damaged file; {hint}") from None


@dataclass(frozen=True)
class TimingResults(Results):
    """The same results, but verdicts and evidence are those of claims about time."""

    JUDGED: ClassVar[Path] = TIMING
    JUDGE: ClassVar[str] = "cost_report"

    def arms(self) -> pd.DataFrame:
        return pd.DataFrame({"id": []})  # no arm of the ladder is about time


REPORTED: Final = (  # the packages whose versions a result may depend on
    *("torch", "torchvision", "dvc", "pandas", "matplotlib", "numpy"),
    *("scipy", "scikit-learn", "joblib", "pydantic", "ruamel-yaml", "jinja2"),
)


def read_lock(path: Path) -> dict[str, str]:
    """The locked version of each reported package, from lines `name==version ; marker`."""
    versions = dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)", path.read_text(encoding="utf-8"), flags=re.MULTILINE))
    if lacking := [name for name in REPORTED if name not in versions]:
        raise StudyError(f"{path}: expected a locked version of {', '.join(lacking)}, found none")
    return {name: versions[name] for name in REPORTED}


def versions(lock: Path, installed: Callable[[str], str] = version) -> pd.DataFrame:
    """For each reported package the version that is locked and the one that runs, without its build ("+cpu")."""
    rows = [(name, locked, installed(name).partition("+")[0]) for name, locked in read_lock(lock).items()]
    return pd.DataFrame(rows, columns=["package", "locked", "ran"])
