"""The learning rates of `train`'s multilayer perceptrons beside those that tuning finds at as many epochs."""

import math
from collections.abc import Sequence
from typing import Any, Final, Literal

import pandas as pd

from dlstudy.judging.statistics import Interval, paired_differences, t_interval
from dlstudy.study.results import Results
from dlstudy.training.params import SgdParams
from dlstudy.tuning.rates import PER_DECADE, learning_rate

Context = dict[str, Any]

POINTS: Final = 100

Finding = Literal["tuned", "within the noise", "worse", "not tried"]
"""What tuning says of the rate in params.yaml, by the one of the grid that is nearest to it."""


def rate_rows(results: Results) -> list[Context]:
    """One a tuned model, in the order of params.yaml."""
    models = results.classifiers(hidden=True)
    return [
        rate_row(results, name, models[name]) for name in results.study.experiments.mlp_rates.models if name in models
    ]


def rate_row(results: Results, name: str, model: SgdParams) -> Context:
    """What was tried, what is best of it, and what params.yaml uses."""
    choice = results.experiment_facts(f"mlp_rates/{name}")
    own, tuned = model.lr, choice["lr"]
    tried = accuracies_by_rate(results.experiment(f"mlp_rates/{name}", "tuning"))
    nearest = nearest_tried(own, list(tried))
    behind = None if nearest is None else difference(tried[tuned], tried[nearest], results.study.judge.confidence)
    return {
        "name": name,
        "tried": [{"lr": lr, "mean": scores.mean()} for lr, scores in tried.items()],
        "num_epochs": model.num_epochs,
        "tuned": tuned,
        "at_edge": choice["at_edge"],
        "own": own,
        "nearest": nearest,
        "behind": behind,
        "finding": finding(tuned, nearest, behind),
    }


def accuracies_by_rate(tuning: pd.DataFrame) -> "dict[float, pd.Series[float]]":
    """Validation accuracy by tuning seed of each rate, ascending; of one that diverged 0."""
    groups = tuning.set_index("seed").groupby("lr")["validation_accuracy"]
    return {float(str(lr)): scores for lr, scores in groups}


def nearest_tried(lr: float, tried: Sequence[float]) -> float | None:
    """The rate of the grid 10^(k/4) that is nearest to this one on a logarithmic scale, if it was tried."""
    nearest = learning_rate(round(PER_DECADE * math.log10(lr)))
    return nearest if nearest in tried else None


def difference(best: "pd.Series[float]", other: "pd.Series[float]", confidence: float) -> Interval:
    """How many accuracy points the second is behind the first, paired by tuning seed."""
    return t_interval((POINTS * paired_differences(best, other)).tolist(), confidence)


def finding(tuned: float, nearest: float | None, behind: Interval | None) -> Finding:
    if nearest is None or behind is None:
        return "not tried"
    if nearest == tuned:
        return "tuned"
    return "worse" if behind.low > 0 else "within the noise"
