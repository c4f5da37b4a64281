"""An activation on the ladder: at every depth and training budget tuned by rungs, then trained with fresh seeds.

A cell is a depth and a budget. What is chosen on one budget starts the next longer one (see `tuning.rungs`). The test
split is scored once, after the last step of a training whose configuration is settled.
"""

from typing import NamedTuple

import pandas as pd

from dlstudy.core.networks import matching_init
from dlstudy.experiments.ladder.params import Protocol
from dlstudy.tuning.jobs import Memo, Networks, chosen_table, confirming_job, sorted_table, tuning_table
from dlstudy.tuning.params import step_of
from dlstudy.tuning.rungs import Climb, Configuration, RungTrial, climb_rungs
from dlstudy.tuning.stacks import Images, Member, Recipe


class Cell(NamedTuple):
    depth: int
    budget: float  # epochs


def ladder(images: Images, memo: Memo, activation: str, protocol: Protocol, name: str) -> dict[str, pd.DataFrame]:
    """The tables tuning, chosen and per_seed of an activation; `name` is what they call it."""
    networks = networks_of(images, memo, activation, protocol, name)
    first = {Configuration(init, step_of(lr)) for init in protocol.inits for lr in protocol.learning_rates}
    rungs = [
        [
            Climb(Cell(depth, budget), protocol.tuning_seeds, images.guessing)
            for depth in protocol.depths
            if budget in protocol.budgets_of(depth)
        ]
        for budget in protocol.budgets  # shorter ones first
    ]
    climbs = climb_rungs(rungs, lambda cell: first, networks.scored)
    found = networks.confirmed(climbs, protocol.seeds, protocol.stack_size, confirming_job, "validation and test")
    rows = [
        {"activation": name, **trial.place._asdict()}
        | {"init": trial.configuration.init, "lr": trial.configuration.lr, "seed": trial.seed}
        | row
        for trial, row in found
    ]
    return {
        "tuning": tuning_table(climbs, activation=name),
        "chosen": chosen_table(climbs, activation=name),
        "per_seed": sorted_table(rows, ["depth", "budget", "seed"]),
    }


def networks_of(images: Images, memo: Memo, activation: str, protocol: Protocol, name: str) -> Networks[Cell]:
    """How the networks of an activation are trained."""

    def recipe(cell: Cell) -> Recipe:
        return Recipe(
            hidden=(protocol.width,) * cell.depth,
            activations=(activation,) * cell.depth,
            batch_size=protocol.batch_size,
            num_epochs=cell.budget,
            optimiser=protocol.optimiser,
            momentum=protocol.momentum,
            output_init="pytorch",
        )

    def member(trial: RungTrial[Cell]) -> Member:
        init = trial.configuration.init
        drawn = matching_init(activation) if init == "matching" else init
        return Member(trial.seed, drawn, trial.configuration.lr, protocol.weights)

    return Networks(images, memo, name, recipe, member)
