"""The learning rates of `train`'s multilayer perceptrons beside those that tuning finds at as many epochs."""

import math

from dlstudy.judging.statistics import paired_differences, t_interval
from dlstudy.report.markdown import Context
from dlstudy.study.ladder import POINTS
from dlstudy.study.results import Results
from dlstudy.training.params import SgdParams
from dlstudy.tuning.params import PER_DECADE, learning_rate


def rate_rows(results: Results) -> list[Context]:
    """One per tuned model, in the order of params.yaml."""
    models = results.classifiers(hidden=True)
    return [
        rate_row(results, name, models[name]) for name in results.study.experiments.mlp_rates.models if name in models
    ]


def rate_row(results: Results, name: str, model: SgdParams) -> Context:
    """What was tried, what is best of it, and what params.yaml uses.

    `nearest` is the rate of the grid 10^(k/4) that is nearest to that of params.yaml on a logarithmic scale, and
    `behind` how many points of validation accuracy it is behind the tuned one, paired by tuning seed; both are None if
    it was not tried. The accuracy of a rate that diverged is 0.
    """
    choice = results.experiment_facts(f"mlp_rates/{name}")
    by_rate = results.experiment(f"mlp_rates/{name}", "tuning").set_index("seed").groupby("lr")["validation_accuracy"]
    tried = {float(str(lr)): scores for lr, scores in by_rate}
    nearest, behind, finding = learning_rate(round(PER_DECADE * math.log10(model.lr))), None, "not tried"
    if nearest in tried:
        points = POINTS * paired_differences(tried[choice["lr"]], tried[nearest])
        behind = t_interval(points.tolist(), results.study.judge.confidence)
        finding = "worse" if behind.low > 0 else "within the noise"
    return {
        "name": name,
        "tried": [{"lr": lr, "mean": scores.mean()} for lr, scores in tried.items()],
        "num_epochs": model.num_epochs,
        "tuned": choice["lr"],
        "at_edge": choice["at_edge"],
        "own": model.lr,
        "nearest": nearest if behind else None,
        "behind": behind,
        "finding": "tuned" if nearest == choice["lr"] else finding,
    }
