"""The price of a house by a perceptron with ReLU on its output, and by the same one with a linear output.

Prices are divided by their mean in the training split and so stay above 0; nothing is subtracted. Of both variants the
bias of the output starts at 1, the mean: a customary start, without which the ReLU of some seeds is 0 for every house
from the first step on and never learns. What happens without is counted as well.
"""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, NamedTuple

import pandas as pd
from torch import Tensor, nn

from dlstudy.core.base.dataset import Dataset, Split
from dlstudy.core.base.errors import DivergedError
from dlstudy.core.base.randomness import generator
from dlstudy.core.execution import map_runs
from dlstudy.core.networks import ACTIVATIONS, build_network, initialise, outputs_of, squared_loss
from dlstudy.experiments.activation_outputs.params import PriceParams
from dlstudy.sgd.loop import learning_rates, minibatches, train_epoch
from dlstudy.tuning.jobs import Row
from dlstudy.tuning.params import step_of
from dlstudy.tuning.rungs import Climb, Configuration, RungScore, RungTrial, climb_all, diverged_score

INIT: Final = "he"
STARTS: Final = {"mean": 1.0, "zero": 0.0}  # of the output's bias, in units of the mean price


OUTPUTS: Final = ("identity", "relu")  # each is tuned with its bias at the mean


class Variant(NamedTuple):
    output: str
    start: str


VARIANTS: Final = (Variant("identity", "mean"), Variant("relu", "mean"), Variant("relu", "zero"))


def compare_prices(houses: Dataset, params: PriceParams, seeds: Sequence[int]) -> dict[str, pd.DataFrame]:
    """Every table of the houses: tune, train with every seed, score."""
    climbs = {output: Climb(output, params.tuning_seeds, guessing=0.0) for output in OUTPUTS}
    first = {Configuration(INIT, step_of(lr)) for lr in params.learning_rates}
    score_all = partial(map_runs, partial(score_trial, houses, params), label="price: learning rates")
    climb_all(list(climbs.values()), dict.fromkeys(OUTPUTS, first), score_all)
    rates = {output: climb.best().lr for output, climb in climbs.items()}
    found = map_runs(partial(run_seed, houses, params, rates), seeds, label="price")
    trials = [
        {"output": trial.place, "lr": trial.configuration.lr, "seed": trial.seed}
        | {"explained_variance": score.accuracy, "diverged": score.diverged}
        for climb in climbs.values()
        for trial, score in climb.scores.items()
    ]
    return {
        "price_tuning": pd.DataFrame(trials).sort_values(["output", "lr", "seed"], ignore_index=True),
        "price_chosen": pd.DataFrame(
            {"output": output, "lr": rates[output], "at_edge": climb.at_edge} for output, climb in climbs.items()
        ),
        "price_per_seed": pd.DataFrame([row for rows in found for row in rows]),
    }


def scaled(division: Dataset, split: Split) -> Split:
    """Standardised features, and prices over the mean price of the training split."""
    return Split(division.standardised(split).features, split.targets / division.train.targets.mean())


def start(division: Dataset, params: PriceParams, variant: Variant, seed: int) -> nn.Sequential:
    """The network before its first step."""
    network = build_network(division.num_features, params.hidden, 1, activation="relu", dtype=division.dtype)
    initialise(network, INIT, generator(seed, "weights"))
    nn.init.constant_(network[-1].bias, STARTS[variant.start])  # type: ignore[arg-type]
    return network.append(ACTIVATIONS[variant.output]())


def train(division: Dataset, params: PriceParams, variant: Variant, lr: float, seed: int) -> nn.Sequential:
    """A network trained with one seed; DivergedError when the loss stops being finite."""
    network, split = start(division, params, variant, seed), scaled(division, division.train)
    order = generator(seed, "minibatches")
    rates = learning_rates(lr, params.num_epochs * math.ceil(len(split) / params.batch_size))
    for _ in range(params.num_epochs):
        found = train_epoch(network, split, squared_loss, minibatches(len(split), params.batch_size, order), rates)
        if not math.isfinite(found.loss):
            raise DivergedError(f"{variant.output}, seed {seed}: expected a finite loss, found {found.loss}")
    return network


def predicted(division: Dataset, network: nn.Module, split: Split) -> Tensor:
    """Prices (houses,) over the mean price, as the network has them."""
    return outputs_of(network, division.standardised(split).features).squeeze(1)


def rmse(division: Dataset, prices: Tensor, split: Split) -> float:
    """The root mean squared error, in dollars, of prices over the mean price."""
    errors = prices * division.train.targets.mean() - split.targets
    return errors.square().mean().sqrt().item()


def r_squared(division: Dataset, prices: Tensor, split: Split) -> float:
    """The share of the variance of the split's prices that is explained."""
    return 1 - (rmse(division, prices, split) / split.targets.std(correction=0).item()) ** 2


def score_trial(houses: Dataset, params: PriceParams, trial: RungTrial[str]) -> RungScore:
    """Explained variance of the validation split after the last epoch, 0 if worse than the mean price; and the rest."""
    division = houses.redivided(generator(trial.seed, "split"))
    try:
        network = train(division, params, Variant(trial.place, "mean"), trial.configuration.lr, trial.seed)
    except DivergedError:
        return diverged_score()
    prices = predicted(division, network, division.validation)
    explained = r_squared(division, prices, division.validation)
    return RungScore(max(0.0, explained), 1 - explained) if math.isfinite(explained) else diverged_score()


def run_seed(houses: Dataset, params: PriceParams, rates: Mapping[str, float], seed: int) -> list[Row]:
    """A row per variant, with its scores on the test split. One that diverged has scores of 0 and says so.

    `share_zero` counts the houses for which the output is 0 or below.
    """
    division = houses.redivided(generator(seed, "split"))
    rows = []
    for variant in VARIANTS:
        scores: Row = {"diverged": True, "rmse": 0.0, "r2": 0.0, "share_zero": 0.0}
        with suppress(DivergedError):
            network = train(division, params, variant, rates[variant.output], seed)
            prices = predicted(division, network, division.test)
            scores = {
                "diverged": False,
                "rmse": rmse(division, prices, division.test),
                "r2": r_squared(division, prices, division.test),
                "share_zero": int((prices <= 0).sum()) / len(prices),
            }
        rows.append({**variant._asdict(), "seed": seed} | scores)
    return rows
