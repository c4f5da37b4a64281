"""What experiments that tune have in common: stacks to be trained, the longest first, and sorted tables."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import pandas as pd

from dlstudy.core.execution import map_runs
from dlstudy.tuning.stacks import Images, Member, Recipe, Stack, train_stack

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


def sorted_table(rows: Sequence[Row], keys: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame(rows).sort_values(list(keys), ignore_index=True)
