"""How networks that are tuned by rungs are trained: as stacks, each of them remembered; and the tables of that."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic

import pandas as pd

from dlstudy.tuning.jobs import Job, Row, map_longest_first, sorted_table
from dlstudy.tuning.memo import Memo, remembered
from dlstudy.tuning.rungs import Climb, Place, RungScore, RungTrial, diverged_score
from dlstudy.tuning.stacks import Images, Member, Recipe, Stack, scores_on_test, scores_on_validation


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
    stack = job.trained(images)
    return [
        RungScore(score.accuracy, score.loss) if finite else diverged_score()
        for score, finite in zip(scores_on_validation(stack, images), stack.finite(), strict=True)
    ]


def final_scores(stack: Stack, images: Images) -> list[Row]:
    """Scores of each network on validation and test split; one that diverged has accuracies of 0."""
    scores = zip(scores_on_validation(stack, images), scores_on_test(stack, images), stack.finite(), strict=True)
    return [
        {
            "diverged": not finite,
            "validation_accuracy": validation.accuracy if finite else 0.0,
            "validation_loss": validation.loss if finite else diverged_score().loss,
            "test_accuracy": test.accuracy if finite else 0.0,
        }
        for validation, test, finite in scores
    ]


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
