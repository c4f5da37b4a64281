"""The choice of a learning rate: what to try, what to take, and whether the best was ever passed.

Nothing is trained here. A trial is one training of a cell (a variant that is tuned on its own) at one learning rate
with one seed; `tune` hands out a round of them at a time and is told how each went.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, NamedTuple, TypeVar

MOST_EXTENSIONS: Final = 4
"""How often the grid of a cell is extended: where its factor is the square root of 10, to a hundredfold at most."""

Cell = TypeVar("Cell", bound=Hashable)


class Trial(NamedTuple, Generic[Cell]):
    cell: Cell
    lr: float
    seed: int


@dataclass(frozen=True)
class Score:
    """Validation accuracy of a trial; a training that diverged has 0, which is worse than guessing."""

    accuracy: float
    diverged: bool = False


@dataclass(frozen=True)
class Choice:
    lr: float
    at_edge: bool  # nothing was tried on one side of it, so that a better one may lie there


def grid_factor(grid: Sequence[float]) -> float:
    """The factor from each learning rate of a logarithmic grid to the next; the mean one, if they differ a little."""
    return float((grid[-1] / grid[0]) ** (1 / (len(grid) - 1)))


def mean_accuracies(scores: Mapping[Trial[Cell], Score], cell: Cell) -> dict[float, float]:
    """The accuracy of each learning rate that a cell tried, averaged over the seeds; ascending learning rates."""
    found: dict[float, list[float]] = {}
    for trial, score in sorted(scores.items(), key=lambda item: item[0].lr):
        if trial.cell == cell:
            found.setdefault(trial.lr, []).append(score.accuracy)
    # Rounded, because two means of as many right answers can differ in their last bit, and a tie is to be one.
    return {lr: round(sum(values) / len(values), 12) for lr, values in found.items()}


def choose(accuracies: Mapping[float, float], guessing: float = 0.0) -> Choice:
    """The learning rate of the highest accuracy; of several, the smallest.

    Where none gets beyond `guessing` there is no best one to lie at an end.
    """
    best = min(accuracies, key=lambda lr: (-accuracies[lr], lr))
    at_end = best in (min(accuracies), max(accuracies))
    return Choice(best, at_edge=at_end and not only_guesses(accuracies[best], guessing))


def choices_of(
    cells: Iterable[Cell], scores: Mapping[Trial[Cell], Score], *, guessing: float = 0.0
) -> dict[Cell, Choice]:
    """The choice of each cell."""
    return {cell: choose(mean_accuracies(scores, cell), guessing) for cell in cells}


def only_guesses(accuracy: float, guessing: float) -> bool:
    """Whether that is the accuracy of a network that neither trains nor diverges."""
    return 0 < accuracy <= guessing


def extension(accuracies: Mapping[float, float], factor: float, guessing: float = 0.0) -> float | None:
    """The next learning rate to try, a factor beyond the best if that is at an end; None if it lies within.

    Where none gets beyond `guessing`, larger ones are tried: small steps cannot leave a plateau that large ones may.
    Learning rates are rounded to three significant digits: they are for people to read.
    """
    largest = max(accuracies)
    if only_guesses(max(accuracies.values()), guessing):
        return _readable(largest * factor) if accuracies[largest] else None  # 0: it diverged
    best = choose(accuracies)
    if not best.at_edge:
        return None
    return _readable(best.lr * factor if best.lr == max(accuracies) else best.lr / factor)


def refinement(accuracies: Mapping[float, float], factor: float, guessing: float = 0.0) -> tuple[float, ...]:
    """The learning rates half way, on a logarithmic scale, between the best and its neighbours; none at an edge."""
    best = choose(accuracies)
    nowhere = best.at_edge or only_guesses(accuracies[best.lr], guessing)
    return () if nowhere else (_readable(best.lr / factor**0.5), _readable(best.lr * factor**0.5))


def _readable(lr: float) -> float:
    return float(f"{lr:.3g}")


def tune(
    cells: Sequence[Cell],
    grid: Sequence[float],
    seeds: Sequence[int],
    score_all: Callable[[Sequence[Trial[Cell]]], Sequence[Score]],
    *,
    refine: bool = True,
    guessing: float = 0.0,
) -> dict[Trial[Cell], Score]:
    """Every trial with its score: the grid of each cell, its extensions while its best is at an end, its refinement.

    A network up to `guessing` has not trained: where no rate gets beyond, larger ones are tried, and none is refined.
    All cells go through the rounds together, so that `score_all` has many trials at a time to spread over processes.
    """
    factor = grid_factor(grid)
    scores: dict[Trial[Cell], Score] = {}

    def try_all(rates: Mapping[Cell, Sequence[float]]) -> None:
        trials = [Trial(cell, lr, seed) for cell, tried in rates.items() for lr in tried for seed in seeds]
        scores.update(zip(trials, score_all(trials), strict=True))

    rates: dict[Cell, Sequence[float]] = dict.fromkeys(cells, grid)
    for _ in range(1 + MOST_EXTENSIONS):
        try_all(rates)
        further = {cell: extension(mean_accuracies(scores, cell), factor, guessing) for cell in rates}
        rates = {cell: (lr,) for cell, lr in further.items() if lr is not None}
        if not rates:
            break
    if refine:
        try_all({cell: refinement(mean_accuracies(scores, cell), factor, guessing) for cell in cells})
    return scores
