"""Claims of whose gradients vanish: sigmoid's (ACT-8), tanh's (ACT-9), ReLU's (ACT-10).

All are about networks as initialised, and about delta, the derivative of an image's loss by the pre-activations of a
hidden layer. The ratio is the factor by which its root mean square changes from a hidden layer to the one below it.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

import pandas as pd

from dlstudy.experiments.signal_propagation.params import CLAIMED_INITS
from dlstudy.judging.core import Claim, Decision, Evidence, Literature, Statement, Text
from dlstudy.judging.rules import Below, Predicted, interval_of
from dlstudy.literature.published import load_published
from dlstudy.study.judge import JudgeParams
from dlstudy.study.results import MissingResultError, Results

EXPERIMENT: Final = "signal_propagation"
FOLDER: Final = f"results/experiments/{EXPERIMENT}"
SIZE: Final = "the ratio of backward signals"
UNIT: Final = "backward signal over that of the layer above"

NO_SHRINKING: Final = 1.0
HARDLY: Final = 0.8  # tanh "hardly" shrinks where it keeps more a layer
NEARLY_ALL: Final = 0.9  # ReLU's "do not vanish" where they keep more a layer
TOLERANCE: Final = 0.05  # of measured / predicted

GLOROT: Final = "Glorot & Bengio, Understanding the Difficulty of Training Deep Feedforward Neural Networks, 2010"
SCHOENHOLZ: Final = "Schoenholz et al., Deep Information Propagation, ICLR 2017"
HE: Final = "He et al., Delving Deep into Rectifiers, ICCV 2015"


@dataclass(frozen=True)
class Above:
    """A quantity that is large enough under every condition: what Below decides of its negative."""

    threshold: float
    what: str

    def decide(self, evidence: Evidence, settings: JudgeParams) -> Decision:
        negative = {name: [-value for value in values] for name, values in evidence.samples.items()}
        found = Below(-self.threshold, self.what).decide(replace(evidence, samples=negative), settings)
        return replace(found, estimate=-found.estimate, low=-found.high, high=-found.low, threshold=-found.threshold)

    def words(self, settings: JudgeParams) -> str:
        return (
            f"Supported if the {100 * settings.confidence:g} % interval of {self.what} lies above {self.threshold:g} "
            "under every condition, refuted if it lies below it under one (Bonferroni); else inconclusive. The "
            "condition whose interval reaches lowest is shown, or the one that refutes."
        )


# --- What all three statements read ---


def ratios(results: Results, activation: str) -> pd.DataFrame:
    """The rows of one activation: a row an initialiser and seed."""
    table = results.experiment(EXPERIMENT, "ratios")
    rows = table[table["activation"] == activation]
    if missing := [init for init in CLAIMED_INITS if init not in set(rows["init"])]:
        raise MissingResultError(f"{FOLDER}/ratios.csv: expected {activation} with {missing[0]}, found no row")
    return rows


def by_init(table: pd.DataFrame, values: "pd.Series[float]") -> dict[str, list[float]]:
    """The values under each initialiser, one a seed."""
    return {str(init): values.loc[rows.index].tolist() for init, rows in table.groupby("init", sort=False)}


def sizes(results: Results, activation: str, *inits: str) -> Evidence:
    """The measured ratio under some initialisers, and what the page tells of all."""
    table = ratios(results, activation)
    samples = by_init(table, table["measured"])
    told = {**results.experiment_facts(EXPERIMENT), "rows": told_rows(results, activation)}
    return Evidence({init: samples[init] for init in inits}, num_seeds=table["seed"].nunique(), facts=told)


def told_rows(results: Results, activation: str) -> list[dict[str, Any]]:
    """A row an initialiser: ratios, what is left of the signals between the ends, and the gradients of the weights."""
    table, layers = ratios(results, activation), results.experiment(EXPERIMENT, "layers")
    gradients = results.experiment(EXPERIMENT, "weight_gradients")
    rows = []
    for init, values in by_init(table, table["measured"]).items():
        of_init = [each[(each["activation"] == activation) & (each["init"] == init)] for each in (layers, gradients)]
        by_layer, by_weight = (each.set_index("layer").sort_index() for each in of_init)
        backward, output = by_layer["backward"].tolist(), by_layer["output"].tolist()
        weights = by_weight["weight_gradient"].tolist()
        rows.append(
            {
                "init": init,
                "predicted": float(table.loc[table["init"] == init, "predicted"].iloc[0]),
                "mean": sum(values) / len(values),
                "low": min(values),
                "high": max(values),
                "backward_first": backward[0],
                "backward_last": backward[-1],
                "backward_left": backward[0] / backward[-1],
                "output_left": output[-1] / output[0],
                "weights_left": weights[0] / weights[-1],
            }
        )
    return rows


def agreement(results: Results, activation: str) -> Evidence:
    """Measured over predicted ratio, under every initialiser."""
    table = ratios(results, activation)
    samples = by_init(table, table["measured"] / table["predicted"])
    settings = results.study.judge
    intervals = {init: interval_of(values, settings) for init, values in samples.items()}
    told = [
        {"init": init, "estimate": found.estimate, "low": found.low, "high": found.high}
        for init, found in intervals.items()
    ]
    return Evidence(samples, num_seeds=table["seed"].nunique(), facts={"rows": told})


def trainings(results: Results, activation: str) -> list[dict[str, Any]]:
    """A row an initialiser: the mean loss and backward signal of the first hidden layer, before and after training."""
    losses, table = (results.experiment(EXPERIMENT, name) for name in ("training_loss", "training"))
    rows = []
    for init, of_init in table[table["activation"] == activation].groupby("init", sort=False):
        loss = losses[(losses["activation"] == activation) & (losses["init"] == init)].groupby("step")["loss"].mean()
        lowest = of_init[of_init["layer"] == of_init["layer"].min()].groupby("step")["backward"].mean()
        rows.append(
            {
                "init": str(init),
                "loss_first": float(loss.iloc[0]),
                "loss_last": float(loss.iloc[-1]),
                "lowest_first": float(lowest.iloc[0]),
                "lowest_last": float(lowest.iloc[-1]),
            }
        )
    return rows


PREDICTION_DATA: Final = (f"{FOLDER}/ratios.csv",)
DATA: Final = (
    f"{FOLDER}/ratios.csv",
    f"{FOLDER}/layers.csv",
    f"{FOLDER}/weight_gradients.csv",
    f"{FOLDER}/training.csv",
    f"{FOLDER}/training_loss.csv",
    f"{FOLDER}/facts.json",
)


def prediction(statement: Statement, activation: str, name: str) -> Claim:
    """The reading that all three statements share: theory says how fast."""

    def measure(results: Results) -> Evidence:
        return agreement(results, activation)

    return Claim(
        statement,
        "prediction",
        Text(
            f"Mean-field theory tells the ratio of {name}'s backward signals to {100 * TOLERANCE:g} %.",
            f"平均场理论能够预测 {name} 网络中反向信号的逐层比值，误差不超过 {100 * TOLERANCE:g}%。",
        ),
        "prediction",
        "for every initialisation tried",
        "measured / predicted",
        Predicted(TOLERANCE),
        Literature("exact for infinitely wide layers", SCHOENHOLZ),
        "Narrow layers, or weights that are not independent: orthogonal ones, or those of a trained network.",
        PREDICTION_DATA,
        measure,
    )


# --- ACT-8: sigmoid ---

ACT_8 = Statement(
    "ACT-8",
    "perceptron",
    Text(
        "Sigmoid suffers from vanishing gradients.",
        "sigmoid 会造成梯度消失。",
    ),
)


def _sigmoid_vanishing(results: Results) -> Evidence:
    found = sizes(results, "sigmoid", *CLAIMED_INITS)
    return replace(found, facts={**found.facts, "trainings": trainings(results, "sigmoid")})


ACT_8_CLAIMS: Final = (
    Claim(
        ACT_8,
        "vanishing",
        Text(
            "With sigmoid the backward signal shrinks on its way down, under each of the usual initialisations.",
            "使用 sigmoid 时，无论采用哪种常用的初始化方法，反向信号都会逐层减小。",
        ),
        "comparison",
        "for every usual initialisation (PyTorch's default, Xavier's, He's); on average over the hidden layers",
        UNIT,
        Below(NO_SHRINKING, SIZE),
        Literature("it does: the slope is 1/4 at most", f"{GLOROT}; {SCHOENHOLZ}"),
        "An initialisation in usual use with weights about ten times as large as Xavier's: "
        "there theory has a ratio of 1.",
        DATA,
        _sigmoid_vanishing,
    ),
    prediction(ACT_8, "sigmoid", "sigmoid"),
)


# --- ACT-9: tanh ---

ACT_9 = Statement(
    "ACT-9",
    "perceptron",
    Text(
        "Tanh suffers from vanishing gradients, too.",
        "tanh 同样会造成梯度消失。",
    ),
)


def _tanh_vanishing(results: Results) -> Evidence:
    found = sizes(results, "tanh", *CLAIMED_INITS)
    return replace(found, facts={**found.facts, "trainings": trainings(results, "tanh")})


def _tanh_xavier(results: Results) -> Evidence:
    found = sizes(results, "tanh", "xavier")
    return replace(found, facts={"threshold": HARDLY})


ACT_9_CLAIMS: Final = (
    Claim(
        ACT_9,
        "vanishing",
        Text(
            "With tanh the backward signal shrinks on its way down, under each of the usual initialisations.",
            "使用 tanh 时，无论采用哪种常用的初始化方法，反向信号都会逐层减小。",
        ),
        "comparison",
        "for every usual initialisation (PyTorch's default, Xavier's, He's); on average over the hidden layers",
        UNIT,
        Below(NO_SHRINKING, SIZE),
        Literature("depends on the variance of the weights: shrinks below a critical one, grows above", SCHOENHOLZ),
        "A change of the weights' variance: it is the initialisation that decides, more than tanh.",
        DATA,
        _tanh_vanishing,
    ),
    Claim(
        ACT_9,
        "xavier",
        Text(
            "Under Xavier's initialisation tanh's backward signal shrinks hardly at all: "
            "a layer keeps more than 0.8 of it.",
            "采用 Xavier 初始化时，tanh 的反向信号几乎不减小：每经过一层，保留的比例大于 0.8。",
        ),
        "comparison",
        "on average over the hidden layers",
        UNIT,
        Above(HARDLY, SIZE),
        Literature("nearly constant; what Xavier's initialisation was made for", GLOROT),
        "Larger inputs, which saturate the units of the first layers, or another idea of 'hardly'.",
        PREDICTION_DATA,
        _tanh_xavier,
    ),
    prediction(ACT_9, "tanh", "tanh"),
)


# --- ACT-10: ReLU ---

ACT_10 = Statement(
    "ACT-10",
    "perceptron",
    Text(
        "ReLU's gradients do not vanish (as is implied by naming sigmoid and tanh alone).",
        "ReLU 不会造成梯度消失（笔记只点名 sigmoid 和 tanh，言下之意如此）。",
    ),
)


def _relu_pytorch(results: Results) -> Evidence:
    found = sizes(results, "relu", "pytorch")
    return replace(found, facts={**found.facts, "threshold": NEARLY_ALL, "trainings": trainings(results, "relu")})


def _relu_he(results: Results) -> Evidence:
    found = sizes(results, "relu", "he")
    return replace(found, facts=dead_facts(results))


def dead_facts(results: Results) -> dict[str, Any]:
    """The shares of dead units by layer, under each initialiser, and during training; published ones, if comparable."""
    table, trained = (results.experiment(EXPERIMENT, name) for name in ("dead", "training_dead"))
    published = load_published().beside(results.image_set().dataset).dead_units
    by_layer = {
        str(init): rows.groupby("layer")["share"].mean().tolist() for init, rows in table.groupby("init", sort=False)
    }
    return {
        "dead": by_layer,
        "published_dead": list(published.shares) if published else [],
        "published_source": published.source if published else "",
        "published_protocol": published.protocol if published else "",
        "trained_dead": [
            {
                "init": str(init),
                "by_step": {str(step): share for step, share in rows.groupby("step")["share"].mean().items()},
            }
            for init, rows in trained.groupby("init", sort=False)
        ],
    }


ACT_10_CLAIMS: Final = (
    Claim(
        ACT_10,
        "pytorch",
        Text(
            "Under PyTorch's default initialisation ReLU's backward signal does not vanish: "
            "a layer keeps more than 0.9 of it.",
            "采用 PyTorch 的默认初始化时，ReLU 的反向信号不会消失：每经过一层，保留的比例大于 0.9。",
        ),
        "comparison",
        "on average over the hidden layers",
        UNIT,
        Above(NEARLY_ALL, SIZE),
        Literature("arithmetic: the weights' variance is 1 / (3 fan_in), hence a factor of 1 / sqrt(6)", HE),
        "Another default in PyTorch, with weights more than twice as large.",
        DATA,
        _relu_pytorch,
    ),
    Claim(
        ACT_10,
        "he",
        Text(
            "Under He's initialisation ReLU's backward signal does not vanish: a layer keeps more than 0.9 of it.",
            "采用 He 初始化时，ReLU 的反向信号不会消失：每经过一层，保留的比例大于 0.9。",
        ),
        "comparison",
        "on average over the hidden layers",
        UNIT,
        Above(NEARLY_ALL, SIZE),
        Literature("constant; what He's initialisation was made for", HE),
        "Layers whose widths differ much, so that the number of inputs is not that of outputs.",
        (f"{FOLDER}/ratios.csv", f"{FOLDER}/dead.csv", f"{FOLDER}/training_dead.csv"),
        _relu_he,
    ),
    prediction(ACT_10, "relu", "ReLU"),
)

CLAIMS: Final[tuple[Claim, ...]] = (*ACT_8_CLAIMS, *ACT_9_CLAIMS, *ACT_10_CLAIMS)
