"""The experiments of this repository, as Git keeps them, and how each differs from the commit it started from.

DVC keeps an experiment as a commit below refs/exps/, and the study's results are small files in Git: so all that is
compared is read from there, whatever the workspace is at the moment.
"""

import io
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final

import pandas as pd
from ruamel.yaml import YAML

REFERENCE: Final = re.compile(r"refs/exps/([0-9a-f]{2})/([0-9a-f]{38})/(.+)")


@dataclass(frozen=True)
class Revision:
    """The files of a commit."""

    root: Path
    commit: str

    @cached_property
    def files(self) -> dict[str, str]:
        """Git's checksum of each file, by path."""
        listed = git(self.root, "ls-tree", "-r", "-z", self.commit).split("\0")
        return {path: about.split()[2] for about, _, path in (line.partition("\t") for line in listed) if path}

    def text(self, path: str) -> str | None:
        """The content of a file, None where there is none."""
        return git(self.root, "cat-file", "blob", self.files[path]) if path in self.files else None

    def table(self, path: str) -> pd.DataFrame | None:
        text = self.text(path)
        return None if text is None else pd.read_csv(io.StringIO(text))

    def named(self, folder: str, ending: str) -> dict[str, str]:
        """The paths of files directly below a folder, by their name without the ending."""
        found = (re.fullmatch(rf"{folder}/([^/]+){re.escape(ending)}", path) for path in sorted(self.files))
        return {match[1]: match[0] for match in found if match}

    @cached_property
    def params(self) -> dict[str, Any]:
        """Every parameter, by its dotted name."""
        return dict(flat(YAML(typ="safe", pure=True).load(self.text("params.yaml") or "{}")))

    @cached_property
    def verdicts(self) -> dict[str, str]:
        return self._column("results/verdicts.csv", "verdict")

    @cached_property
    def answers(self) -> dict[str, str]:
        return self._column("results/answers.csv", "answer")

    def _column(self, path: str, column: str) -> dict[str, str]:
        table = self.table(path)
        return {} if table is None else dict(zip(table["id"], table[column], strict=True))

    def scores(self, model: str) -> "pd.Series[float] | None":
        """Of a model on the validation split, None where it has none; see `scores`."""
        table = self.table(score_table(model))
        return None if table is None else scores(table)

    @property
    def models(self) -> list[str]:
        found = (re.fullmatch(r"results/evaluation/([^/]+)/per_seed\.csv", path) for path in sorted(self.files))
        return [match[1] for match in found if match]


@dataclass(frozen=True)
class Experiment:
    name: str
    revision: Revision
    baseline: Revision

    @property
    def changed_params(self) -> dict[str, tuple[Any, Any]]:
        return changed(self.baseline.params, self.revision.params)

    @property
    def judged(self) -> bool:
        """Whether its verdicts are those of its own scores: a run of some stages leaves the verdicts as they were."""
        models = {*self.baseline.models, *self.revision.models}
        same_scores = all(self.same(score_table(model)) for model in models)
        return same_scores or not self.same("results/evidence.json")

    def same(self, path: str) -> bool:
        """Whether a file is as it was."""
        return self.revision.files.get(path) == self.baseline.files.get(path)

    @property
    def moved_verdicts(self) -> dict[str, tuple[str | None, str | None]]:
        return changed(self.baseline.verdicts, self.revision.verdicts)

    @property
    def moved_answers(self) -> dict[str, tuple[str | None, str | None]]:
        return changed(self.baseline.answers, self.revision.answers)


def score_table(model: str) -> str:
    """The path of the table with a model's scores."""
    return f"results/evaluation/{model}/per_seed.csv"


def scores(table: pd.DataFrame) -> "pd.Series[float]":
    """Accuracy of a classifier on the validation split, or root mean squared error, by seed.

    What is tried out is chosen by that split: whoever looks at the test split every time ends by fitting to it.
    """
    of_validation = table[table["split"] == "validation"].set_index("seed")
    return of_validation["accuracy"] if "accuracy" in of_validation else of_validation["rmse"]


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, encoding="utf-8").stdout


def experiments(root: Path) -> list[Experiment]:
    """All experiments of the repository, the oldest first."""
    revision = cache(lambda commit: Revision(root, commit))
    lines = git(root, "for-each-ref", "--sort=committerdate", "--format=%(refname) %(objectname)", "refs/exps")
    found = []
    for line in lines.splitlines():
        reference, _, commit = line.rpartition(" ")
        if match := REFERENCE.fullmatch(reference):
            found.append(Experiment(match[3], revision(commit), revision(match[1] + match[2])))
    return found


def flat(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What differs, by name: the two values, None where there is none."""
    names = dict.fromkeys([*before, *after])
    pairs = {name: (before.get(name), after.get(name)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
