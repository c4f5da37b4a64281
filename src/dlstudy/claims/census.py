"""Claims of which activation is in use, by a census of torchvision's image classifiers: ACT-1."""

from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from dlstudy.judging.core import Claim, Decision, Evidence, Literature, Statement, Text
from dlstudy.judging.rules import decided_by_share
from dlstudy.judging.statistics import share_interval
from dlstudy.study.judge import JudgeParams
from dlstudy.study.results import MissingResultError, Results

EXPERIMENT: Final = "census"
FOLDER: Final = f"results/experiments/{EXPERIMENT}"
RELU: Final = "relu"
CLIPPED: Final = "relu6"  # min(ReLU, 6): counted as another activation, and told of
HALF: Final = 0.5
SINCE: Final = 2019  # what "today" is taken to mean; fixed before the families were counted


@dataclass(frozen=True)
class MostOf:
    """It is so "in most cases": of more than a share of them. Samples are 1 for a case in which it is, else 0."""

    share: float

    def decide(self, evidence: Evidence, settings: JudgeParams) -> Decision:
        cases = [value for values in evidence.samples.values() for value in values]
        found = share_interval(int(sum(cases)), len(cases), settings.confidence)
        return decided_by_share(found, self.share)

    def words(self, settings: JudgeParams) -> str:
        return (
            f"Supported if Wilson's {100 * settings.confidence:g} % interval of the share lies above {self.share:g}, "
            "refuted if it lies below; else inconclusive."
        )


ACT_1 = Statement(
    "ACT-1",
    "perceptron",
    Text(
        "ReLU is the activation for general use, and the one that most networks use today.",
        "ReLU 是通用的激活函数，如今大多数网络都用它。",
    ),
)


# --- Evidence ---


def faults_of(builders: pd.DataFrame) -> tuple[str, ...]:
    """Networks that are not those whose weights are published: their number of parameters differs."""
    published = builders["published_num_parameters"]
    other = builders[(published > 0) & (builders["num_parameters"] != published)]
    return tuple(f"{name}: another number of parameters than is published" for name in other["builder"])


def is_relu(table: pd.DataFrame) -> dict[str, list[float]]:
    return {"": (table["activation"] == RELU).astype(float).tolist()}


def counted(table: pd.DataFrame) -> dict[str, int]:
    """How many rows there are, and in how many ReLU leads."""
    activation = table["activation"]
    return {
        "num": len(table),
        "num_relu": int((activation == RELU).sum()),
        "num_clipped": int((activation == CLIPPED).sum()),
    }


def stock(results: Results) -> Evidence:
    """Every builder, by its leading activation."""
    builders, calls = results.experiment(EXPERIMENT, "builders"), results.experiment(EXPERIMENT, "calls")
    families = results.experiment(EXPERIMENT, "families")
    hidden = calls[calls["kind"] == "hidden"]
    told = {
        **results.experiment_facts(EXPERIMENT),
        **counted(builders),
        "activations": by_activation(builders, families, hidden),
        "gates": of_gates(calls),
        "num_any_relu": int(hidden.loc[hidden["activation"] == RELU, "builder"].nunique()),
        "tied": tied(hidden),
        "by_values": by_values(builders, hidden),
    }
    return Evidence(is_relu(builders), facts=told, faults=faults_of(builders))


def by_activation(builders: pd.DataFrame, families: pd.DataFrame, hidden: pd.DataFrame) -> list[dict[str, Any]]:
    """For each hidden activation the builders and families that it leads, and all its calls; most builders first."""
    rows = [
        {
            "activation": str(name),
            "num_builders": int((builders["activation"] == name).sum()),
            "num_families": int((families["activation"] == name).sum()),
            "num_recent": int(((families["activation"] == name) & (families["year"] >= SINCE)).sum()),
            "num_calls": int(own["num_calls"].sum()),
        }
        for name, own in hidden.groupby("activation")
    ]
    return sorted(rows, key=lambda row: (-row["num_builders"], -row["num_calls"], row["activation"]))


def of_gates(calls: pd.DataFrame) -> list[dict[str, Any]]:
    gates = calls[calls["kind"] == "gate"]
    return [
        {"activation": str(name), "num_calls": int(own["num_calls"].sum()), "num_builders": own["builder"].nunique()}
        for name, own in gates.groupby("activation")
    ]


def tied(hidden: pd.DataFrame) -> list[str]:
    """The builders that call two activations equally often, and none oftener: the values decided which leads."""
    most = hidden["num_calls"] == hidden.groupby("builder")["num_calls"].transform("max")
    num = hidden[most].groupby("builder").size()
    return [str(name) for name in num.index[num > 1]]


def by_values(builders: pd.DataFrame, hidden: pd.DataFrame) -> dict[str, Any]:
    """How the count would be by the number of values that pass an activation, in place of its calls."""
    largest = hidden.loc[hidden.groupby("builder")["num_values"].idxmax()].set_index("builder")["activation"]
    ours = builders.set_index("builder")["activation"]
    moved = [{"builder": name, "activation": largest[name]} for name in ours.index if largest[name] != ours[name]]
    return {"num_relu": int((largest == RELU).sum()), "moved": moved}


def families(results: Results) -> Evidence:
    """Every family, by the activation that leads in most of its builders."""
    table, builders = results.experiment(EXPERIMENT, "families"), results.experiment(EXPERIMENT, "builders")
    told = {
        **counted(table),
        "rows": [{str(key): value for key, value in row.items()} for row in table.to_dict("records")],
        "mixed": table.loc[table["num_with_it"] < table["num_builders"], "family"].tolist(),
        "largest": without_largest(results, builders),
    }
    return Evidence(is_relu(table), facts=told, faults=faults_of(builders))


def without_largest(results: Results, builders: pd.DataFrame) -> dict[str, Any]:
    """The family with most builders, and what the rule would say of all others."""
    nums = builders["family"].value_counts()
    others = builders[builders["family"] != nums.index[0]]
    told = {"family": str(nums.index[0]), "num_builders": int(nums.iloc[0]), "others": counted(others)}
    if len(others):
        found = MostOf(HALF).decide(Evidence(is_relu(others)), results.study.judge)
        told |= {"low": found.low, "high": found.high, "verdict": found.verdict}
    return told


def recent(results: Results) -> Evidence:
    """Every family that was first published in `SINCE` or later."""
    table, builders = results.experiment(EXPERIMENT, "families"), results.experiment(EXPERIMENT, "builders")
    new = table[table["year"] >= SINCE]
    if new.empty:
        raise MissingResultError(f"experiments.census.families: expected families of {SINCE} or later, found none")
    old = table[table["year"] < SINCE]
    told = {
        **counted(new),
        "since": SINCE,
        "last": int(table["year"].max()),
        "with_relu": new.loc[new["activation"] == RELU, "family"].tolist(),
        "before": counted(old),
    }
    return Evidence(is_relu(new), facts=told, faults=faults_of(builders))


# --- Claims ---

POPULAR: Final = Literature(
    "yes: the most popular non-linear function at that time", "LeCun, Bengio & Hinton, Deep learning, Nature 521, 2015"
)

CLAIMS: Final[tuple[Claim, ...]] = (
    Claim(
        statement=ACT_1,
        reading="stock",
        tested=Text(
            "Most of torchvision's image classifiers call ReLU more often than any other activation.",
            "torchvision 的图像分类模型中，大多数调用 ReLU 的次数多于任何其他激活函数。",
        ),
        kind="count",
        quantifier="in most cases",
        unit="share of builders",
        rule=MostOf(HALF),
        literature=POPULAR,
        would_change="A version of torchvision with more sizes of the families that use other activations.",
        data=tuple(f"{FOLDER}/{name}" for name in ("builders.csv", "calls.csv", "families.csv", "facts.json")),
        measure=stock,
    ),
    Claim(
        statement=ACT_1,
        reading="families",
        tested=Text(
            "Most families of torchvision's image classifiers use ReLU, each family counted once.",
            "每个系列只计一次，torchvision 的图像分类模型系列中，大多数使用 ReLU。",
        ),
        kind="count",
        quantifier="in most cases",
        unit="share of families",
        rule=MostOf(HALF),
        literature=POPULAR,
        would_change="A longer list of families, such as that of another library, in which the share is as large: the "
        "interval of so few is wide.",
        data=(f"{FOLDER}/families.csv", f"{FOLDER}/builders.csv"),
        measure=families,
    ),
    Claim(
        statement=ACT_1,
        reading="recent",
        tested=Text(
            f"Most families of torchvision's image classifiers that were first published in {SINCE} or later use ReLU.",
            f"torchvision 中 {SINCE} 年及以后首次发表的图像分类模型系列，大多数使用 ReLU。",
        ),
        kind="count",
        quantifier="in most cases",
        unit="share of families",
        rule=MostOf(HALF),
        literature=Literature(
            "no: advanced transformers use GELU, a smoother variant",
            "Liu et al., A ConvNet for the 2020s, CVPR 2022 (arXiv 2201.03545), section 2.6",
        ),
        would_change="New families in torchvision, enough of them with ReLU to lift the interval to one half.",
        data=(f"{FOLDER}/families.csv", f"{FOLDER}/builders.csv"),
        measure=recent,
    ),
)
