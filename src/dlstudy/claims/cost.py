"""Claims of what activations cost: by themselves (ACT-13) and as a part of a training (ACT-14).

They depend on wall-clock time, so they are not in the registry: stage cost_report judges them, and no file of the
deterministic results depends on them. Samples are an activation's time over that of ReLU in the same round.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final, NamedTuple

import pandas as pd

from dlstudy.experiments.activation_cost.params import DEEP
from dlstudy.judging.core import Claim, Decision, Evidence, Literature, Statement, Text, Verdict
from dlstudy.judging.statistics import Interval, least_num_pairs, median_interval
from dlstudy.study.judge import JudgeParams
from dlstudy.study.results import TIMING, MissingResultError, Results

EXPERIMENT: Final = "activation_cost"
FOLDER: Final = f"{TIMING}/{EXPERIMENT}"
YARDSTICK: Final = "relu"

MUCH: Final = 2.0  # "much more" is more than twice as long
NOTICEABLE: Final = 1.1  # an epoch that takes less than a tenth longer is practically none longer


@dataclass(frozen=True)
class TimesAsLong:
    """It takes more than so many times as long under every condition. Samples are ratios of times, one a round."""

    threshold: float

    def decide(self, evidence: Evidence, settings: JudgeParams) -> Decision:
        strict = 1 - (1 - settings.confidence) / len(evidence.samples)
        if reasons := too_few_rounds(evidence.samples, strict):
            return self._invalid(evidence.samples, reasons)
        intervals, wide = (
            {name: median_interval(ratios, confidence) for name, ratios in evidence.samples.items()}
            for confidence in (settings.confidence, strict)
        )
        lowest = min(intervals, key=lambda name: intervals[name].low)
        if intervals[lowest].low > self.threshold:
            return self._decision("supported", lowest, intervals[lowest])
        if below := {name: found.high for name, found in wide.items() if found.high < self.threshold}:
            where = min(below, key=lambda name: below[name])
            return self._decision("refuted", where, intervals[where])
        return self._decision("inconclusive", lowest, intervals[lowest])

    def _decision(self, verdict: Verdict, where: str, found: Interval) -> Decision:
        return Decision(verdict, found.estimate, found.low, found.high, self.threshold, where)

    def _invalid(self, samples: Mapping[str, Sequence[float]], reasons: tuple[str, ...]) -> Decision:
        where, ratios = min(samples.items(), key=lambda item: min(item[1]))
        return Decision("invalid", median(ratios), min(ratios), max(ratios), self.threshold, where, reasons=reasons)

    def words(self, settings: JudgeParams) -> str:
        return (
            f"Supported if the {100 * settings.confidence:g} % interval of the median ratio of times lies above "
            f"{self.threshold:g} under every condition; refuted if it lies below under one (Bonferroni); else "
            "inconclusive. The condition whose interval reaches lowest is shown, or the one that refutes."
        )


def too_few_rounds(samples: Mapping[str, Sequence[float]], confidence: float) -> tuple[str, ...]:
    """Why the rounds are too few for an interval at this confidence, if they are."""
    num, least = min(map(len, samples.values())), least_num_pairs((1 + confidence) / 2)
    return () if num >= least else (f"{num} rounds, where a verdict takes {least} at least",)


# --- From times to ratios ---


def over_relu(table: pd.DataFrame, cells: list[str], time: str) -> pd.DataFrame:
    """The table with a column more: `ratio`, the time over that of ReLU in the same round and cell."""
    keys = ["round", *cells]
    relu = table.loc[table["activation"] == YARDSTICK, [*keys, time]]
    paired = table.merge(relu, on=keys, suffixes=("", "_relu"), how="left", validate="many_to_one")
    if paired[f"{time}_relu"].isna().any():
        raise MissingResultError(f"{FOLDER}: expected {YARDSTICK} in every round, found none in some; run `dvc repro`")
    return paired.assign(ratio=paired[time] / paired[f"{time}_relu"]).drop(columns=f"{time}_relu")


def kernels(results: Results) -> pd.DataFrame:
    """One row a round, side, part and activation, with the ratio."""
    return over_relu(results.timing(EXPERIMENT, "kernels"), ["side", "part"], "microseconds")


def epochs(results: Results) -> pd.DataFrame:
    """One row a round, network and activation, with the ratio."""
    return over_relu(results.timing(EXPERIMENT, "epochs"), ["network"], "seconds")


def samples_of(table: pd.DataFrame, activation: str, condition: str) -> dict[str, list[float]]:
    """The ratios of an activation, one a round, by a column that tells conditions apart; MissingResultError if none."""
    rows = table[table["activation"] == activation]
    if rows.empty:
        raise MissingResultError(f"{FOLDER}: expected times of {activation}, found none; run `dvc repro`")
    by_condition = rows.groupby(condition, sort=False)["ratio"]
    return {f"{condition} {name}": ratios.tolist() for name, ratios in by_condition}


# --- What the page tells besides ---


def told_rows(table: pd.DataFrame, cells: list[str], time: str, confidence: float) -> list[dict[str, Any]]:
    """A row a cell: ReLU's median time, and of every other activation the median ratio with its interval."""
    rows = []
    for key, of_cell in table.groupby(cells, sort=False):
        by_activation = of_cell.groupby("activation", sort=False)
        ratios = {str(name): told_ratio(timed["ratio"].tolist(), confidence) for name, timed in by_activation}
        ratios.pop(YARDSTICK)
        relu = float(of_cell.loc[of_cell["activation"] == YARDSTICK, time].median())
        names = dict(zip(cells, key, strict=True))
        rows.append({**names, "relu": relu, "ratios": ratios})
    return rows


def told_ratio(ratios: Sequence[float], confidence: float) -> dict[str, float]:
    """The median ratio and its interval; of too few rounds, from the smallest to the largest."""
    if too_few_rounds({"": ratios}, confidence):
        return {"median": median(ratios), "low": min(ratios), "high": max(ratios)}
    found = median_interval(ratios, confidence)
    return {"median": found.estimate, "low": found.low, "high": found.high}


def protocol(results: Results) -> dict[str, Any]:
    """How it was timed."""
    return results.study.experiments.activation_cost.model_dump()


# --- ACT-13: by itself ---

ACT_13: Final = Statement(
    "ACT-13",
    "cost",
    Text(
        "ReLU is cheap to compute; sigmoid and tanh cost much more.",
        "ReLU 的计算代价小，sigmoid 和 tanh 的计算代价要大得多。",
    ),
)
ACT_14: Final = Statement(
    "ACT-14",
    "cost",
    Text(
        "... which matters: a network with sigmoid or tanh takes longer to train.",
        "……而且这有实际影响：用 sigmoid 或 tanh 的网络训练起来更慢。",
    ),
)

GLOROT: Final = Literature(
    "cheaper: the rectifier takes no exponential",
    "Glorot, Bordes & Bengio, Deep Sparse Rectifier Neural Networks, AISTATS 2011; differences between activations "
    "measured by Derczynski, Power Consumption Variation over Activation Functions, arXiv 2006.07237, 2020",
)
ALIMI: Final = Literature(
    "said to become significant in large networks",
    "Alimi et al., Evaluation of Sigmoid and ReLU Activation Functions Using Asymptotic Method, 2022",
)


class Wording(NamedTuple):
    """A word for a reading's name, and how a sentence says it in both languages."""

    name: str
    en: str
    zh: str


SIGMOID: Final = Wording("sigmoid", "sigmoid", "sigmoid")
TANH: Final = Wording("tanh", "tanh", "tanh")

PARTS: Final = {
    "forward": Wording("forward", "computing {} (forward)", "{} 的前向计算"),
    "forward_backward": Wording(
        "training", "computing {} and its gradient (forward and backward)", "{} 的前向加反向计算"
    ),
}
PLACES: Final = (
    Wording("cache", "On tensors that fit the processor's caches", "张量放得进处理器缓存时"),
    Wording("memory", "On tensors too large for the caches", "张量大到放不进缓存时"),
)
WOULD_CHANGE: Final = {
    "cache": "Another processor or library: how well its exponential is vectorised decides; or tensors so small that "
    "the call costs more than the arithmetic.",
    "memory": "A processor with slower arithmetic or faster memory, on which the exponential outlasts the transfer.",
}


def in_place(results: Results, part: str, place: str) -> pd.DataFrame:
    """The ratios of one part, on the tensors that are in cache or those in memory."""
    params = results.study.experiments.activation_cost
    table = kernels(results)
    fits = table["side"] <= params.largest_in_cache if place == "cache" else table["side"] >= params.smallest_in_memory
    return table[fits & (table["part"] == part)]


def kernel_facts(results: Results) -> dict[str, Any]:
    """Every cell that was timed, for the table of the page."""
    confidence = results.study.judge.confidence
    rows = told_rows(kernels(results), ["part", "side"], "microseconds", confidence)
    return {"rows": rows, "protocol": protocol(results), "much": MUCH}


def kernel_claim(activation: Wording, part: str, place: Wording) -> Claim:
    """One reading of ACT-13. The first of them carries the facts of all."""
    words = PARTS[part]
    told = (activation, part, place) == (SIGMOID, "forward", PLACES[0])

    def measure(results: Results) -> Evidence:
        samples = samples_of(in_place(results, part, place.name), activation.name, "side")
        return Evidence(samples, facts=kernel_facts(results) if told else {})

    return Claim(
        ACT_13,
        f"{activation.name}-{words.name}-{place.name}",
        Text(
            f"{place.en}, {words.en.format(activation.en)} takes more than twice as long as with ReLU.",
            f"{place.zh}，{words.zh.format(activation.zh)}耗时超过 ReLU 的两倍。",
        ),
        "timing",
        f"for every such size that was timed, in the median round of {part_words(part)}",
        "time over ReLU's",
        TimesAsLong(MUCH),
        GLOROT,
        WOULD_CHANGE[place.name],
        (f"{FOLDER}/kernels.csv",),
        measure,
    )


def part_words(part: str) -> str:
    return "forward passes" if part == "forward" else "forward and backward passes"


ACT_13_CLAIMS: Final = tuple(
    kernel_claim(activation, part, place) for activation in (SIGMOID, TANH) for part in PARTS for place in PLACES
)


# --- ACT-14: in a training ---

SHALLOW: Final = Wording("shallow", "With one hidden layer", "只有一个隐藏层时")
DEEPER: Final = Wording("deep", f"With {DEEP} hidden layers or more", f"有 {DEEP} 个或更多隐藏层时")
DEPTHS: Final[dict[Wording, Callable[["pd.Series[int]"], "pd.Series[bool]"]]] = {
    SHALLOW: lambda num_hidden: num_hidden == 1,
    DEEPER: lambda num_hidden: num_hidden >= DEEP,
}


def epoch_facts(results: Results) -> dict[str, Any]:
    """Every network that was timed, for the table of the page."""
    rows = told_rows(epochs(results), ["network"], "seconds", results.study.judge.confidence)
    return {"rows": rows, "protocol": protocol(results), "noticeable": NOTICEABLE}


def epoch_claim(activation: Wording, depth: Wording) -> Claim:
    """One reading of ACT-14. The first of them carries the facts of all."""
    told = (activation, depth) == (SIGMOID, SHALLOW)

    def measure(results: Results) -> Evidence:
        table = epochs(results)
        samples = samples_of(table[DEPTHS[depth](table["num_hidden"])], activation.name, "network")
        return Evidence(samples, facts=epoch_facts(results) if told else {})

    percent = f"{100 * (NOTICEABLE - 1):.0f}"
    return Claim(
        ACT_14,
        f"{activation.name}-{depth.name}",
        Text(
            f"{depth.en}, an epoch with {activation.en} takes over {percent} % longer than with ReLU.",
            f"{depth.zh}，用 {activation.zh} 训练一轮比用 ReLU 多花 {percent}% 以上的时间。",
        ),
        "timing",
        "for every such network that was timed, in the median round",
        "time over ReLU's",
        TimesAsLong(NOTICEABLE),
        ALIMI,
        "Narrower layers or smaller minibatches change the share of the activation in the work; so does a processor "
        "whose matrix products are much faster, as a GPU's are.",
        (f"{FOLDER}/epochs.csv",),
        measure,
    )


ACT_14_CLAIMS: Final = tuple(epoch_claim(activation, depth) for activation in (SIGMOID, TANH) for depth in DEPTHS)

CLAIMS: Final[tuple[Claim, ...]] = (*ACT_13_CLAIMS, *ACT_14_CLAIMS)
