"""Claims of what softmax is: SOFT-1, SOFT-2 and SOFT-4; and whether its probabilities may be trusted: SOFT-5."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from dlstudy.judging.core import Claim, Decision, Evidence, Literature, Statement, Text, Verdict
from dlstudy.judging.rules import AtMost, Below, NoException
from dlstudy.study.judge import JudgeParams
from dlstudy.study.results import MissingResultError, Results
from dlstudy.training.params import SgdParams

EXPERIMENT: Final = "softmax_identities"
FOLDER: Final = f"results/experiments/{EXPERIMENT}"
ECE_THRESHOLD: Final = 0.02

LOG_SUM_EXP: Final = (
    "Blanchard, Higham and Higham, Accurately computing the log-sum-exp and softmax functions, "
    "IMA Journal of Numerical Analysis 41, 2021"
)
GOODFELLOW: Final = "Goodfellow, Bengio and Courville, Deep Learning, MIT Press, 2016"
BISHOP: Final = "Bishop, Pattern Recognition and Machine Learning, Springer, 2006"
GUO: Final = "Guo, Pleiss, Sun and Weinberger, On Calibration of Modern Neural Networks, ICML 2017"
PROPER: Final = "Gneiting and Raftery, Strictly Proper Scoring Rules, Prediction, and Estimation, JASA 102, 2007"
NICULESCU: Final = "Niculescu-Mizil and Caruana, Predicting Good Probabilities with Supervised Learning, ICML 2005"


@dataclass(frozen=True)
class MoreThan:
    """Every value, computed exactly, is above a threshold: one that is not refutes."""

    threshold: float
    what: str

    def decide(self, evidence: Evidence, settings: JudgeParams) -> Decision:
        smallest = {name: min(values) for name, values in evidence.samples.items()}
        where = min(smallest, key=lambda name: smallest[name])
        verdict: Verdict = "supported" if smallest[where] > self.threshold else "refuted"
        return Decision(verdict, smallest[where], smallest[where], smallest[where], self.threshold, where)

    def words(self, settings: JudgeParams) -> str:
        return f"Supported if the smallest {self.what} is above {self.threshold:g}, refuted if it is not."


# --- SOFT-1: an output 100 times the others ---

SOFT_1 = Statement(
    "SOFT-1",
    "softmax",
    Text(
        "An output a hundred times as large as the others, such as 10 beside 0.1 and 0.1, means great confidence.",
        "若一个输出是其余输出的一百倍，例如 0.1、10、0.1 中的 10，就表示模型对该类别很有把握。",
    ),
)


def _example(results: Results) -> Evidence:
    facts = results.experiment_facts(EXPERIMENT)
    return Evidence({"0.1, 10, 0.1": [facts["example_probability"]]}, facts=facts)


def _ratio(results: Results) -> Evidence:
    table = results.experiment(EXPERIMENT, "scales")
    facts = results.experiment_facts(EXPERIMENT)
    unsure = table["probability"] <= facts["confidence"]
    told = {
        **facts,
        "num_scales": len(table),
        "num_unsure": int(unsure.sum()),
        "smallest": table["largest"].min(),
        "largest": table["largest"].max(),
        "least_probability": table["probability"].min(),
        "trained": _logit_range(results),
    }
    return Evidence({"": unsure.astype(float).tolist()}, facts=told)


def _logit_range(results: Results) -> dict[str, Any]:
    """What the outputs of the first classifier without hidden layers are, over its seeds."""
    model = next(iter(_models(results, hidden=False)))
    table = results.table(model, "calibration")
    return {
        "model": model,
        "num_seeds": len(table),
        "smallest": table["logit_smallest"].min(),
        "largest": table["logit_largest"].max(),
        **{f"{name}_low": table[column].min() for name, column in _MEDIANS.items()},
        **{f"{name}_high": table[column].max() for name, column in _MEDIANS.items()},
    }


_MEDIANS: Final = {"top": "logit_top", "gap": "gap"}


def _models(results: Results, *, hidden: bool | None = None) -> dict[str, SgdParams]:
    """The classifiers that a claim speaks of; MissingResultError if params.yaml names none."""
    if found := results.classifiers(hidden=hidden):
        return found
    kind = {True: "a classifier with hidden layers", False: "a classifier without hidden layers", None: "a classifier"}
    raise MissingResultError(f"params.yaml, train: expected {kind[hidden]} of images, found none")


def _difference(results: Results) -> Evidence:
    table = results.experiment(EXPERIMENT, "shifts")
    seeds = table[table["outputs"].str.startswith("seed ")]
    example = table.drop(seeds.index)
    samples = {"the note's example": example["change"].tolist(), "trained logits": seeds["change"].tolist()}
    told = {
        "num_shifts": table["shift"].nunique(),
        "largest_shift": table["shift"].abs().max(),
        "example_change": example["change"].max(),
        "trained_change": seeds["change"].max(),
    }
    return Evidence(samples, num_seeds=seeds["outputs"].nunique(), facts=told)


SOFT_1_CLAIMS: Final = (
    Claim(
        SOFT_1,
        "example",
        Text(
            "Softmax gives the 10 among the outputs 0.1, 10 and 0.1 a probability above 0.99.",
            "对输出 0.1、10、0.1 作 softmax，其中 10 的概率大于 0.99。",
        ),
        "identity",
        "in this example",
        "probability",
        MoreThan(0.99, "probability"),
        Literature("arithmetic: 1 / (1 + 2 exp(-9.9))", f"{GOODFELLOW}, section 6.2.2.3"),
        "Another definition of softmax, or of great confidence.",
        (f"{FOLDER}/facts.json",),
        _example,
    ),
    Claim(
        SOFT_1,
        "ratio",
        Text(
            "An output 100 times each of the two others always has a probability above 0.99.",
            "只要一个输出是另外两个输出的 100 倍，它的概率就总是大于 0.99。",
        ),
        "count",
        "always",
        "scales where it is not",
        NoException("scale at which the probability is 0.99 or less"),
        Literature("softmax depends on differences of its inputs only", f"{GOODFELLOW}, section 6.2.2.3"),
        "Nothing but another definition of softmax: one counterexample is enough, and (0.001, 0.1, 0.001) is one.",
        (f"{FOLDER}/scales.csv", "results/evaluation/softmax_regression/calibration.csv"),
        _ratio,
    ),
    Claim(
        SOFT_1,
        "difference",
        Text(
            "Adding the same number to all outputs changes no probability.",
            "给所有输出同时加上同一个数，各类别的概率都不变。",
        ),
        "identity",
        "for every number, tried up to 1000",
        "change of a probability",
        AtMost(1e-12, "change of a probability"),
        Literature("exact on paper, since exp(c) cancels", f"{GOODFELLOW}, section 6.2.2.3"),
        "A set of outputs of which a probability changes by more than rounding when a number up to 1000 is added.",
        (f"{FOLDER}/shifts.csv",),
        _difference,
    ),
)


# --- SOFT-2: 10 beside 1000 and 1000 ---

SOFT_2 = Statement(
    "SOFT-2",
    "softmax",
    Text(
        "Beside two outputs of 1000 the same 10 means next to no confidence.",
        "若另外两个输出都是 1000，同样的 10 就表示模型对该类别几乎没有把握。",
    ),
)


def _limits(results: Results) -> dict[str, dict[str, dict[str, float]]]:
    """For each limit and format its number by theory and by bisection."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for row in results.experiment(EXPERIMENT, "limits").to_dict("records"):
        by_format = found.setdefault(row["limit"], {})
        by_format[row["format"]] = {"predicted": row["predicted"], "measured": row["measured"]}
    return found


def _by_format(table: pd.DataFrame, column: str) -> dict[str, list[float]]:
    """The values of a column under each floating-point format."""
    return {str(name): rows[column].astype(float).tolist() for name, rows in table.groupby("format")}


def _confidence(results: Results) -> Evidence:
    table = results.experiment(EXPERIMENT, "huge")
    middle = table[table["position"] == 2]
    told = {**results.experiment_facts(EXPERIMENT), "limits": _limits(results)["vanishing"]}
    return Evidence(_by_format(middle, "probability"), facts=told)


def _naive(results: Results) -> Evidence:
    table = results.experiment(EXPERIMENT, "huge")
    undefined = table.assign(undefined=1 - table["defined_as_written"])
    told = {"rows": _records(table), "limits": _limits(results)["overflow"], "num_outputs": table["position"].nunique()}
    return Evidence(_by_format(undefined, "undefined"), facts=told)


def _stable(results: Results) -> Evidence:
    table = results.experiment(EXPERIMENT, "log_probabilities")
    trained = results.experiment(EXPERIMENT, "trained")
    samples = {f"{size:g}, 10, {size:g}": rows["error"].tolist() for size, rows in table.groupby("largest")}
    told = {
        "rows": _records(table[table["position"] < 3]),
        "worst": table["error"].max(),
        "near_certain": trained["log_error"].max(),
        "num_seeds": len(trained),
    }
    return Evidence(samples, facts=told)


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


SOFT_2_CLAIMS: Final = (
    Claim(
        SOFT_2,
        "confidence",
        Text(
            "The probability of the 10 among the outputs 1000, 10 and 1000 is at most a millionth.",
            "对输出 1000、10、1000 作 softmax，其中 10 的概率不超过百万分之一。",
        ),
        "identity",
        "in this example",
        "probability",
        AtMost(1e-6, "probability"),
        Literature("arithmetic: 1 / (1 + 2 exp(990))", f"{GOODFELLOW}, section 6.2.2.3"),
        "Another definition of softmax.",
        (f"{FOLDER}/huge.csv", f"{FOLDER}/limits.csv", f"{FOLDER}/facts.json"),
        _confidence,
    ),
    Claim(
        SOFT_2,
        "naive",
        Text(
            "The formula, every exp(o) divided by the sum of all, gives the probabilities of 1000, 10 and 1000 "
            "when it is computed as written.",
            "完全照公式计算，即先求各个 exp(o)，再除以它们的和，就能得到 1000、10、1000 的概率。",
        ),
        "count",
        "in float32 and in float64",
        "probabilities that are no number",
        NoException("probability that is no number"),
        Literature("overflows; the remedy is standard", LOG_SUM_EXP),
        "A floating-point format that holds exp(1000), about 10^434.",
        (f"{FOLDER}/huge.csv", f"{FOLDER}/limits.csv"),
        _naive,
    ),
    Claim(
        SOFT_2,
        "stable",
        Text(
            "With the largest output subtracted first, the log-probabilities of such outputs are finite and right "
            "to a relative 1e-12.",
            "先减去最大的输出再计算，这类输出的对数概率就都是有限值，相对误差不超过 1e-12。",
        ),
        "identity",
        "for (h, 10, h), h from 100 to a million",
        "relative error",
        AtMost(1e-12, "relative error of a log-probability"),
        Literature("as accurate as the direct formula, without its overflow", LOG_SUM_EXP),
        "One of these log-probabilities that is not finite, or off by more than rounding.",
        (f"{FOLDER}/log_probabilities.csv", f"{FOLDER}/trained.csv"),
        _stable,
    ),
)


# --- SOFT-4: positive, with sum 1 ---

SOFT_4 = Statement(
    "SOFT-4",
    "softmax",
    Text(
        "Softmax turns outputs into positive values whose sum is 1.",
        "softmax 把输出变换成全部为正且总和为 1 的值。",
    ),
)


def _sum(results: Results) -> Evidence:
    table = results.experiment(EXPERIMENT, "sums")
    trained = table["outputs"].str.startswith("seed ")
    samples = {
        f"{kind}, {name}": rows["error"].tolist()
        for kind, part in (("trained logits", table[trained]), ("extreme outputs", table[~trained]))
        for name, rows in part.groupby("format")
    }
    told = {"rows": [{"outputs": name, "error": max(errors)} for name, errors in samples.items()]}
    return Evidence(samples, num_seeds=table.loc[trained, "outputs"].nunique(), facts=told)


def _positive(results: Results) -> Evidence:
    table = results.experiment(EXPERIMENT, "gaps")
    trained = results.experiment(EXPERIMENT, "trained")
    samples = _by_format(table.assign(zero=table["probability"] == 0), "zero")
    samples["trained logits, float32"] = trained["num_zero"].astype(float).tolist()
    told = {
        "gaps": [
            {"gap": gap, **dict(zip(rows["format"], rows["probability"], strict=True))} for gap, rows in _gaps(table)
        ],
        "limits": _limits(results)["vanishing"],
        "num_zero_trained": int(trained["num_zero"].sum()),
        "smallest_trained": trained["smallest"].min(),
    }
    return Evidence(samples, num_seeds=len(trained), facts=told)


def _gaps(table: pd.DataFrame) -> list[tuple[float, pd.DataFrame]]:
    return [(float(str(gap)), rows) for gap, rows in table.groupby("gap")]


def _order(results: Results) -> Evidence:
    table = results.experiment(EXPERIMENT, "trained")
    told = {"num_images": int(table["num_images"].sum()), "num_moved": int(table["num_moved"].sum())}
    samples = {"trained logits, float32": table["num_moved"].astype(float).tolist()}
    return Evidence(samples, num_seeds=len(table), facts=told)


def _two_class(results: Results) -> Evidence:
    table = results.experiment(EXPERIMENT, "trained")
    return Evidence(
        {"pairs of trained logits": table["two_class"].tolist()},
        num_seeds=len(table),
        facts={"worst": table["two_class"].max()},
    )


SOFT_4_CLAIMS: Final = (
    Claim(
        SOFT_4,
        "sum",
        Text("The probabilities of an example sum to 1.", "每个样本的各类别概率之和为 1。"),
        "identity",
        "for all outputs tried",
        "distance of the sum from 1",
        AtMost(1e-6, "distance of a sum from 1"),
        Literature("true by definition, up to rounding", LOG_SUM_EXP),
        "Outputs whose probabilities miss 1 by more than a millionth.",
        (f"{FOLDER}/sums.csv",),
        _sum,
    ),
    Claim(
        SOFT_4,
        "positive",
        Text(
            "Every probability that softmax computes is above 0.",
            "softmax 计算出的每个概率都大于 0。",
        ),
        "count",
        "every",
        "probabilities that are 0",
        NoException("probability that is 0"),
        Literature("true on paper, not for far-apart outputs in floating point", f"{GOODFELLOW}, section 4.1"),
        "Nothing could in these formats: a gap beyond their limit is a counterexample.",
        (f"{FOLDER}/gaps.csv", f"{FOLDER}/limits.csv", f"{FOLDER}/trained.csv"),
        _positive,
    ),
    Claim(
        SOFT_4,
        "order",
        Text(
            "The class with the largest output is the one with the largest probability.",
            "输出最大的类别，概率也最大。",
        ),
        "count",
        "for every image",
        "images where it is not",
        NoException("image where it is another class"),
        Literature("exp is increasing, hence softmax keeps the order", f"{BISHOP}, section 4.2"),
        "An image whose two largest outputs are so near that rounding turns them round.",
        (f"{FOLDER}/trained.csv",),
        _order,
    ),
    Claim(
        SOFT_4,
        "two_class",
        Text(
            "With two classes, softmax is the sigmoid of the difference of the two outputs.",
            "只有两个类别时，softmax 就是两个输出之差的 sigmoid。",
        ),
        "identity",
        "for every pair of outputs tried",
        "difference of the probabilities",
        AtMost(1e-12, "difference of the two probabilities"),
        Literature("exact: divide through by exp(a)", f"{BISHOP}, section 4.2"),
        "A pair of outputs where the two differ by more than float64 rounds.",
        (f"{FOLDER}/trained.csv",),
        _two_class,
    ),
)


# --- SOFT-5: a probability distribution ---

SOFT_5 = Statement(
    "SOFT-5",
    "softmax",
    Text(
        "After softmax the outputs are a probability distribution.",
        "经过 softmax，输出就成为一个概率分布。",
    ),
)


def _calibration(results: Results, models: Mapping[str, SgdParams], column: str) -> Evidence:
    """A calibration error of each model, by seed, and all that the page tells of the models' calibration."""
    tables = {name: results.table(name, "calibration") for name in models}
    bins = {name: results.table(name, "reliability") for name in models}
    return Evidence(
        {name: table[column].tolist() for name, table in tables.items()},
        num_seeds=min(len(table) for table in tables.values()),
        facts={
            "models": [_of_model(name, tables[name], bins[name]) for name in models],
            "num_bins": min(_num_bins(table) for table in bins.values()),
        },
    )


def _of_model(name: str, table: pd.DataFrame, bins: pd.DataFrame) -> dict[str, Any]:
    averaged = ("temperature", "nll", "ece", "nll_scaled", "ece_scaled", "chance_ece_scaled")
    return {
        "model": name,
        **{column: table[column].mean() for column in averaged},
        "ece_low": table["ece"].min(),
        "ece_high": table["ece"].max(),
        "excess": _excess(bins[bins["logits"] == "trained"]),
        "excess_scaled": _excess(bins[bins["logits"] == "scaled"]),
    }


def _num_bins(bins: pd.DataFrame) -> int:
    """How many bins of equal width there are, the empty ones that a table leaves out included."""
    return round(1 / (bins["high"] - bins["low"]).mean())


def _excess(bins: pd.DataFrame) -> float:
    """Mean confidence minus accuracy: above 0 where a classifier is surer than it is right."""
    return float((bins["num"] * (bins["confidence"] - bins["accuracy"])).sum() / bins["num"].sum())


def _linear(results: Results) -> Evidence:
    return _calibration(results, _models(results, hidden=False), "ece")


def _mlp(results: Results) -> Evidence:
    return _calibration(results, _models(results, hidden=True), "ece")


def _scaled(results: Results) -> Evidence:
    return _calibration(results, _models(results), "ece_scaled")


def _files(*models: str) -> tuple[str, ...]:
    return tuple(
        f"results/evaluation/{model}/{table}.csv" for model in models for table in ("calibration", "reliability")
    )


PERCEPTRONS: Final = ("mlp_relu", "mlp_sigmoid", "mlp_tanh")

SOFT_5_CLAIMS: Final = (
    Claim(
        SOFT_5,
        "linear",
        Text(
            "The probabilities of softmax regression are calibrated: their expected calibration error is below 0.02.",
            "softmax 回归给出的概率是校准的：期望校准误差小于 0.02。",
        ),
        "comparison",
        "on the test images, over the seeds",
        "expected calibration error",
        Below(ECE_THRESHOLD, "the expected calibration error"),
        Literature("cross-entropy is a proper score: smallest for the true probabilities", PROPER),
        "An interval of the error above 0.02, for instance on test images of another kind than the training images.",
        _files("softmax_regression"),
        _linear,
    ),
    Claim(
        SOFT_5,
        "mlp",
        Text(
            "The probabilities of the multilayer perceptrons are calibrated: "
            "their expected calibration error is below 0.02.",
            "多层感知机给出的概率是校准的：期望校准误差小于 0.02。",
        ),
        "comparison",
        "for every perceptron of the study",
        "expected calibration error",
        Below(ECE_THRESHOLD, "the expected calibration error"),
        Literature("small networks are calibrated, modern deep ones overconfident", f"{NICULESCU}; {GUO}"),
        "Training on, long after the validation loss has stopped falling: the network grows too sure of itself.",
        _files(*PERCEPTRONS),
        _mlp,
    ),
    Claim(
        SOFT_5,
        "scaled",
        Text(
            "After division of the outputs by one temperature, fitted on validation images, "
            "the probabilities of every classifier are calibrated: their expected calibration error is below 0.02.",
            "先将输出除以一个在验证集上拟合的温度，此后各分类器的概率都是校准的：期望校准误差小于 0.02。",
        ),
        "comparison",
        "for every classifier of the study",
        "expected calibration error",
        Below(ECE_THRESHOLD, "the expected calibration error"),
        Literature("one temperature is enough for most networks", GUO),
        "A classifier too sure of some images and not sure enough of others: one temperature cannot mend both.",
        _files("softmax_regression", *PERCEPTRONS),
        _scaled,
    ),
)

CLAIMS: Final[tuple[Claim, ...]] = (*SOFT_1_CLAIMS, *SOFT_2_CLAIMS, *SOFT_4_CLAIMS, *SOFT_5_CLAIMS)
