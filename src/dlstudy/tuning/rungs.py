"""Tuning by rungs: many configurations on a short training, the best of them and their neighbours on longer ones.

A configuration is an initialiser and a learning rate. Rates lie on a grid of a quarter of a decade, 10^(k/4); the first
rung tries every second one, with each initialiser. On every rung the best is climbed to: as long as one of its two
neighbours has not been tried, it is, so that no choice lies at the edge of what was tried. The next rung starts from
the best, its neighbours and, on the second rung, the best of each other initialiser. Halving budgets is Jamieson and
Talwalkar's idea (AISTATS 2016); neighbours are added because the best rate falls as training gets longer.

Nothing is trained here: `score_all` is handed the trials of all cells at a time.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, Final, Generic, NamedTuple, TypeVar

from dlstudy.tuning.params import learning_rate
from dlstudy.tuning.stacks import LARGEST_LOSS

MOST_STEPS: Final = 8
"""How often the neighbours of the best are tried on a rung: two decades in one direction."""

MOST_STEPS_WITHOUT_TRAINING: Final = 2
"""The same where nothing trains, and losses differ by little."""

FULL_RUNGS: Final = 2
"""On the first two rungs every initialiser is tried; from the third on the one that is best by then."""

Place = TypeVar("Place", bound=Hashable)


class Configuration(NamedTuple):
    init: str
    step: int  # k of the learning rate 10^(k/4)

    @property
    def lr(self) -> float:
        return learning_rate(self.step)

    def neighbours(self) -> tuple["Configuration", "Configuration"]:
        return self._replace(step=self.step - 1), self._replace(step=self.step + 1)


class RungTrial(NamedTuple, Generic[Place]):
    """One training: where, how, with which seed."""

    place: Place  # a cell at a budget
    configuration: Configuration
    seed: int


class RungScore(NamedTuple):
    """On the validation split. One that diverged has accuracy 0 and the largest loss."""

    accuracy: float
    loss: float
    diverged: bool = False


@dataclass
class Climb(Generic[Place]):
    """The trials of one place, and which configuration is best."""

    place: Place
    seeds: Sequence[int]
    guessing: float  # accuracy up to which a network has not trained
    scores: dict[RungTrial[Place], RungScore] = field(default_factory=dict)

    @property
    def tried(self) -> list[Configuration]:
        return sorted({trial.configuration for trial in self.scores})

    def trials(self, configurations: Iterable[Configuration]) -> list[RungTrial[Place]]:
        """What is still to be trained for these configurations."""
        new = sorted(set(configurations) - set(self.tried))
        return [RungTrial(self.place, configuration, seed) for configuration in new for seed in self.seeds]

    def means(self, configuration: Configuration) -> tuple[float, float]:
        """Accuracy and loss over the seeds."""
        found = [self.scores[RungTrial(self.place, configuration, seed)] for seed in self.seeds]
        return fmean(score.accuracy for score in found), fmean(score.loss for score in found)

    def rank(self, configuration: Configuration) -> tuple[float, float]:
        """What is compared: accuracy or, where that is 0 as no more than guessing, the negative loss."""
        accuracy, loss = self.means(configuration)
        return round(accuracy, 12) if accuracy > self.guessing else 0.0, round(-loss, 9)

    def best(self, init: str | None = None) -> Configuration:
        """Of several that are equally good, the one with the smallest rate."""
        among = [each for each in self.tried if init in (None, each.init)]
        return max(among, key=lambda each: (self.rank(each), -each.step, each.init))

    @property
    def trains(self) -> bool:
        return self.rank(self.best())[0] > 0

    @property
    def at_edge(self) -> bool:
        """Whether a better rate may lie beyond those tried; no question where nothing trains."""
        return self.trains and bool(set(self.best().neighbours()) - set(self.tried))

    @property
    def accuracy(self) -> float:
        """Mean validation accuracy of the best."""
        return self.means(self.best())[0]


def next_start(climb: Climb[Place], *, other_inits: bool) -> set[Configuration]:
    """What the next rung tries first."""
    best = climb.best()
    inits = {each.init for each in climb.tried} if other_inits else {best.init}
    return {best, *best.neighbours(), *(climb.best(init) for init in inits)}


def climb_all(
    climbs: Sequence[Climb[Place]],
    starts: Mapping[Place, Iterable[Configuration]],
    score_all: Callable[[Sequence[RungTrial[Place]]], Sequence[RungScore]],
) -> None:
    """Try the start of each place, then neighbours of its best, until both of them have been tried everywhere."""
    wanted = {climb.place: set(starts[climb.place]) for climb in climbs}
    for step in range(1 + MOST_STEPS):
        trials = {climb.place: climb.trials(wanted[climb.place]) for climb in climbs}
        flat = [trial for of_place in trials.values() for trial in of_place]
        if not flat:
            return
        found = dict(zip(flat, score_all(flat), strict=True))
        for climb in climbs:
            climb.scores.update({trial: found[trial] for trial in trials[climb.place]})
            goes_on = climb.trains or step < MOST_STEPS_WITHOUT_TRAINING
            wanted[climb.place] = set(climb.best().neighbours()) if goes_on else set()


def climb_rungs(
    rungs: Sequence[Sequence[Climb[Place]]],
    first: Callable[[Place], Iterable[Configuration]],
    score_all: Callable[[Sequence[RungTrial[Place]]], Sequence[RungScore]],
) -> list[Climb[Place]]:
    """The climbs of all places, rung by rung, shorter trainings first: a place differs by its `budget` from one below.

    `first` says what a place of the lowest rung tries first.
    """
    below: dict[Any, Climb[Place]] = {}
    for number, climbs in enumerate(rungs):
        starts = {
            climb.place: next_start(below[_whatever_budget(climb.place)], other_inits=number < FULL_RUNGS)
            if number
            else first(climb.place)
            for climb in climbs
        }
        climb_all(climbs, starts, score_all)
        below = {_whatever_budget(climb.place): climb for climb in climbs}
    return [climb for climbs in rungs for climb in climbs]


def _whatever_budget(place: Any) -> Any:
    return place._replace(budget=0.0)


def diverged_score() -> RungScore:
    return RungScore(0.0, LARGEST_LOSS, diverged=True)
