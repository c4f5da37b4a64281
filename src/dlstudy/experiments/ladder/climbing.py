"""An activation on the ladder: at every depth and training budget tuned by rungs, then trained with fresh seeds.

A cell is a depth and a budget. What is chosen on one budget starts the next longer one (see `tuning.rungs`). The test
split is scored once, after the last step of a training whose configuration is settled.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import pandas as pd

from dlstudy.experiments.ladder.params import Protocol
from dlstudy.training.models import matching_init
from dlstudy.tuning.jobs import Job, Row, map_longest_first, sorted_table
from dlstudy.tuning.memo import Memo, remembered
from dlstudy.tuning.rates import step_of
from dlstudy.tuning.rungs import (
    Climb,
    Configuration,
    RungScore,
    RungTrial,
    climb_all,
    diverged_score,
    next_start,
)
from dlstudy.tuning.stacks import Images, Member, Recipe, scores_on_test, scores_on_validation

FULL_RUNGS: Final = 2
"""On the first two rungs every initialiser is tried; from the third on the one that is best by then."""


class Cell(NamedTuple):
    depth: int
    budget: float  # epochs


def ladder(images: Images, memo: Memo, activation: str, protocol: Protocol, name: str) -> dict[str, pd.DataFrame]:
    """The tables tuning, chosen and per_seed of an activation; `name` is what they call it."""
    networks = Networks(images, memo, activation, protocol, name)
    climbs = climb_rungs(networks)
    return {
        "tuning": tuning_table(name, climbs),
        "chosen": chosen_table(name, climbs),
        "per_seed": networks.confirmed(climbs),
    }


def climb_rungs(networks: "Networks") -> list[Climb[Cell]]:
    """The climb of every cell, shorter budgets first."""
    protocol, done = networks.protocol, dict[Cell, Climb[Cell]]()
    first = {Configuration(init, step_of(lr)) for init in protocol.inits for lr in protocol.learning_rates}
    for rung, budget in enumerate(protocol.budgets):
        depths = [depth for depth in protocol.depths if budget in protocol.budgets_of(depth)]
        climbs = [Climb(Cell(depth, budget), protocol.tuning_seeds, networks.images.guessing) for depth in depths]
        starts = {
            climb.place: next_start(
                done[Cell(climb.place.depth, protocol.budgets[rung - 1])], other_inits=rung < FULL_RUNGS
            )
            if rung
            else first
            for climb in climbs
        }
        climb_all(climbs, starts, networks.scored)
        done |= {climb.place: climb for climb in climbs}
    return list(done.values())


class Networks(NamedTuple):
    """How the networks of an activation are trained."""

    images: Images
    memo: Memo
    activation: str
    protocol: Protocol
    name: str

    def recipe(self, cell: Cell) -> Recipe:
        return Recipe(
            hidden=(self.protocol.width,) * cell.depth,
            activations=(self.activation,) * cell.depth,
            batch_size=self.protocol.batch_size,
            num_epochs=cell.budget,
            optimiser=self.protocol.optimiser,
            momentum=self.protocol.momentum,
            output_init="pytorch",
        )

    def member(self, trial: RungTrial[Cell]) -> Member:
        init = trial.configuration.init
        drawn = matching_init(self.activation) if init == "matching" else init
        return Member(trial.seed, drawn, trial.configuration.lr, self.protocol.weights)

    def job(self, trials: Sequence[RungTrial[Cell]]) -> Job[Any]:
        """Trials of one cell, trained as one stack."""
        return Job(self.recipe(trials[0].place), tuple(trials), tuple(map(self.member, trials)))

    def scored(self, trials: Sequence[RungTrial[Cell]]) -> list[RungScore]:
        """Scores on the validation split; the trials of a cell and seed share minibatches and a stack."""
        stacks: dict[tuple[Cell, int], list[RungTrial[Cell]]] = {}
        for trial in trials:
            stacks.setdefault((trial.place, trial.seed), []).append(trial)
        jobs = [self.job(of_stack) for of_stack in stacks.values()]
        run = partial(remembered, validation_job, "validation")
        found = map_longest_first(run, jobs, label=f"{self.name}: tuning", shared=(self.images, self.memo))
        by_trial = {
            trial: RungScore(*score)
            for of_stack, scores in zip(stacks.values(), found, strict=True)
            for trial, score in zip(of_stack, scores, strict=True)
        }
        return [by_trial[trial] for trial in trials]

    def confirmed(self, climbs: Sequence[Climb[Cell]]) -> pd.DataFrame:
        """Every cell as chosen, with every seed: a row a seed."""
        seeds, size = self.protocol.seeds, self.protocol.stack_size
        jobs = [
            self.job([RungTrial(climb.place, climb.best(), seed) for seed in seeds[start : start + size]])
            for climb in climbs
            for start in range(0, len(seeds), size)
        ]
        run = partial(remembered, confirming_job, "validation and test")
        found = map_longest_first(run, jobs, label=f"{self.name}: every seed", shared=(self.images, self.memo))
        rows = [
            named(self.name, trial.place)
            | {"init": trial.configuration.init, "lr": trial.configuration.lr, "seed": trial.seed}
            | row
            for job, scores in zip(jobs, found, strict=True)
            for trial, row in zip(job.trials, scores, strict=True)
        ]
        return sorted_table(rows, ["depth", "budget", "seed"])


def named(name: str, cell: Cell) -> Row:
    return {"activation": name, **cell._asdict()}


def validation_job(images: Images, job: Job[Any]) -> list[RungScore]:
    """The score of each network of a stack, once it is trained."""
    stack = job.trained(images)
    return [
        RungScore(score.accuracy, score.loss) if finite else diverged_score()
        for score, finite in zip(scores_on_validation(stack, images), stack.finite(), strict=True)
    ]


def confirming_job(images: Images, job: Job[Any]) -> list[Row]:
    """Scores of each network on validation and test split; one that diverged has accuracies of 0."""
    stack = job.trained(images)
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


def tuning_table(name: str, climbs: Sequence[Climb[Cell]]) -> pd.DataFrame:
    """A row a trial."""
    rows = [
        named(name, trial.place)
        | {"init": trial.configuration.init, "lr": trial.configuration.lr, "seed": trial.seed}
        | {"validation_accuracy": score.accuracy, "validation_loss": score.loss, "diverged": score.diverged}
        for climb in climbs
        for trial, score in climb.scores.items()
    ]
    return sorted_table(rows, ["depth", "budget", "init", "lr", "seed"])


def chosen_table(name: str, climbs: Sequence[Climb[Cell]]) -> pd.DataFrame:
    """A row a cell: what was chosen, out of how many configurations, and whether it trains at all."""
    rows = [
        named(name, climb.place)
        | {"init": climb.best().init, "lr": climb.best().lr, "at_edge": climb.at_edge, "trains": climb.trains}
        | {"num_configurations": len(climb.tried), "validation_accuracy": climb.accuracy}
        for climb in climbs
    ]
    return sorted_table(rows, ["depth", "budget"])
