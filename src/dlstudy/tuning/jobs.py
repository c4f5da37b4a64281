"""Jobs of experiments that tune: stacks trained the longest first, their results kept on disk, and sorted tables.

What was interrupted goes on where it stopped, and what is known is not rerun: a result is found again for the same job,
data and code, as the names of the files are hashes of all that. Comments and docstrings do not count as code. The
folder may be deleted at any time; nothing is lost but time.
"""

import ast
import hashlib
import json
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Generic, NamedTuple, TypeVar

import numpy as np
import pandas as pd
import torch

from dlstudy.core.base.artifacts import write_text
from dlstudy.core.execution import map_runs
from dlstudy.tuning.rungs import Climb, Place, RungScore, RungTrial, diverged_score
from dlstudy.tuning.stacks import Images, Member, Recipe, Stack, scores_on_test, scores_on_validation, train_stack

EXPERIMENTS: Final = Path("data/experiments")
SOURCE: Final = Path(__file__).parents[1]
WHAT_TRAINS: Final = (
    "core/base/randomness.py",
    "core/base/dataset.py",
    "core/base/arithmetic.py",
    "core/base/kernels.py",
    "core/calibration.py",
    "core/networks.py",
    "core/params.py",
    "tuning/jobs.py",
    "tuning/rungs.py",
    "tuning/stacks.py",
)

Row = dict[str, Any]
Result = TypeVar("Result")


class Job(NamedTuple):
    """Networks of one recipe that are trained as one stack."""

    recipe: Recipe
    trials: tuple[Any, ...]  # what each network is trained for
    members: tuple[Member, ...]  # of the stack, one for each trial

    @property
    def cost(self) -> float:
        """How long it takes, roughly, beside others."""
        slow = 2 if self.recipe.batch_norm or self.recipe.optimiser == "adam" else 1
        return slow * self.recipe.num_epochs * len(self.trials) * (2 + len(self.recipe.hidden))

    def trained(self, images: Images) -> Stack:
        return train_stack(images, self.recipe, self.members)


def map_longest_first(
    function: Callable[..., Result], jobs: Sequence[Job], *, label: str, shared: tuple[Any, ...]
) -> list[Result]:
    """The results of all jobs, in their order; those that cost most start first."""
    order = sorted(range(len(jobs)), key=lambda place: -jobs[place].cost)
    found = map_runs(function, [jobs[place] for place in order], label=label, shared=shared)
    by_place = dict(zip(order, found, strict=True))
    return [by_place[place] for place in range(len(jobs))]


# --- What is kept ---


@dataclass(frozen=True)
class Memo:
    """A folder of results that were computed from the same data by the same code."""

    folder: Path
    origin: str  # hash of data and code

    @classmethod
    def of(cls, folder: Path, images: Images, *also: str) -> "Memo":
        """The memo of these images in a folder; an absolute path, so that all processes mean the same one.

        `also` names sources below src/dlstudy, files or folders, on which results depend besides what trains.
        """
        digest = hashlib.sha256(code_digest(*also).encode())
        for array in (*images.pool.arrays, *images.test.arrays):
            digest.update(np.ascontiguousarray(array).data)
        digest.update(f"{images.num_train} {os.environ.get('DLSTUDY_ARITHMETIC')}".encode())
        return cls(folder.absolute(), digest.hexdigest())

    @classmethod
    def of_experiments(cls, images: Images, *also: str) -> "Memo":
        """Likewise, in the folder that all experiments have in common."""
        EXPERIMENTS.mkdir(parents=True, exist_ok=True)
        return cls.of(EXPERIMENTS, images, *also)

    def path(self, purpose: str, job: Job) -> Path:
        """Where the result of a job is kept."""
        identity = hashlib.sha256(f"{self.origin} {purpose} {job.recipe} {job.members}".encode()).hexdigest()
        return self.folder / identity[:2] / f"{identity}.json"


def remembered(function: Callable[[Images, Job], Result], purpose: str, images: Images, memo: Memo, job: Job) -> Result:
    """The result of the job: as it was kept, or computed and then kept. It has to consist of what JSON has."""
    path = memo.path(purpose, job)
    if path.is_file():
        kept: Result = json.loads(path.read_text(encoding="utf-8"))
        return kept
    result = function(images, job)
    if memo.folder.is_dir():  # not so for a worker on a machine that does not share the folder
        write_text(path, json.dumps(result))
    return result


def code_digest(*also: str) -> str:
    """A hash of the code that trains, without comments and docstrings, and of the versions of what it calls."""
    digest = hashlib.sha256(f"{torch.__version__} {np.__version__} {platform.machine()}".encode())
    named = [SOURCE / name for name in (*WHAT_TRAINS, *also)]
    for path in sorted(path for each in named for path in (each.rglob("*.py") if each.is_dir() else [each])):
        digest.update(ast.dump(_without_docstrings(ast.parse(path.read_text(encoding="utf-8")))).encode())
    return digest.hexdigest()


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [  # type: ignore[attr-defined]
                each for each in body if not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))
            ]
    return tree


# --- Networks that are tuned by rungs ---


@dataclass(frozen=True)
class Networks(Generic[Place]):
    """How the networks of an experiment are trained."""

    images: Images
    memo: Memo
    label: str  # of the bars of progress
    recipe_of: Callable[[Place], Recipe]
    member_of: Callable[[RungTrial[Place]], Member]

    def job(self, trials: Sequence[RungTrial[Place]]) -> Job:
        """Trials of one place, trained as one stack."""
        return Job(self.recipe_of(trials[0].place), tuple(trials), tuple(map(self.member_of, trials)))

    def scored(self, trials: Sequence[RungTrial[Place]]) -> list[RungScore]:
        """Scores on the validation split; the trials of a place and seed share minibatches and a stack."""
        stacks: dict[tuple[Place, int], list[RungTrial[Place]]] = {}
        for trial in trials:
            stacks.setdefault((trial.place, trial.seed), []).append(trial)
        jobs = [self.job(of_stack) for of_stack in stacks.values()]
        run = partial(remembered, validation_job, "validation")
        found = map_longest_first(run, jobs, label=f"{self.label}: tuning", shared=(self.images, self.memo))
        by_trial = {
            trial: RungScore(*score)
            for of_stack, scores in zip(stacks.values(), found, strict=True)
            for trial, score in zip(of_stack, scores, strict=True)
        }
        return [by_trial[trial] for trial in trials]

    def confirmed(
        self,
        climbs: Sequence[Climb[Place]],
        seeds: Sequence[int],
        stack_size: int,
        run_job: Callable[[Images, Job], list[Row]],
        purpose: str,
    ) -> list[tuple[RungTrial[Place], Row]]:
        """What `run_job` finds of every place as chosen, with every seed; so many seeds a stack.

        `purpose` is the name under which it is remembered.
        """
        jobs = [
            self.job([RungTrial(climb.place, climb.best(), seed) for seed in seeds[start : start + stack_size]])
            for climb in climbs
            for start in range(0, len(seeds), stack_size)
        ]
        run = partial(remembered, run_job, purpose)
        found = map_longest_first(run, jobs, label=f"{self.label}: every seed", shared=(self.images, self.memo))
        return [
            (trial, row)
            for job, rows in zip(jobs, found, strict=True)
            for trial, row in zip(job.trials, rows, strict=True)
        ]


def validation_job(images: Images, job: Job) -> list[RungScore]:
    """The score of each network of a stack, once it is trained."""
    return rung_scores(job.trained(images), images)


def confirming_job(images: Images, job: Job) -> list[Row]:
    """The final scores of each network of a stack, once it is trained."""
    return final_scores(job.trained(images), images)


def rung_scores(stack: Stack, images: Images) -> list[RungScore]:
    """The score of each network of a trained stack on its validation split."""
    return [
        RungScore(*score) if finite else diverged_score()
        for score, finite in zip(scores_on_validation(stack, images), stack.finite(), strict=True)
    ]


def final_scores(stack: Stack, images: Images) -> list[Row]:
    """Scores of each network on validation and test split; one that diverged has accuracies of 0."""
    return [
        {"diverged": found.diverged, "validation_accuracy": found.accuracy, "validation_loss": found.loss}
        | {"test_accuracy": 0.0 if found.diverged else test.accuracy}
        for found, test in zip(rung_scores(stack, images), scores_on_test(stack, images), strict=True)
    ]


# --- Tables ---


def sorted_table(rows: Sequence[Row], keys: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame(rows).sort_values(list(keys), ignore_index=True)


def tuning_table(climbs: Sequence[Climb[Any]], **names: str) -> pd.DataFrame:
    """A row per trial: its place, a column a field; the names stand first in every row."""
    rows = [
        {**names, **trial.place._asdict()}
        | {"init": trial.configuration.init, "lr": trial.configuration.lr, "seed": trial.seed}
        | {"validation_accuracy": score.accuracy, "validation_loss": score.loss, "diverged": score.diverged}
        for climb in climbs
        for trial, score in climb.scores.items()
    ]
    return sorted_table(rows, [*climbs[0].place._fields, "init", "lr", "seed"])


def chosen_table(climbs: Sequence[Climb[Any]], **names: str) -> pd.DataFrame:
    """A row per place: what was chosen, out of how many configurations, and whether it trains at all."""
    rows = [
        {**names, **climb.place._asdict()}
        | {"init": climb.best().init, "lr": climb.best().lr, "at_edge": climb.at_edge, "trains": climb.trains}
        | {"num_configurations": len(climb.tried), "validation_accuracy": climb.accuracy}
        for climb in climbs
    ]
    return sorted_table(rows, climbs[0].place._fields)
