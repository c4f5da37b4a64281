"""Claims of which activation to choose, from the sweep over activations, depths and initialisers.

ACT-2, ACT-5, ACT-12, ACT-15 and ACT-16; what trains at all (ACT-11) is in `claims.trainable`. A cell is a number of
hidden layers with an initialiser; in each, every activation has its own learning rate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, NamedTuple

import pandas as pd

from dlstudy.claims.losses import POINTS
from dlstudy.judging.core import Claim, Decision, Evidence, Literature, Statement, Text, Verdict
from dlstudy.judging.rules import Better, NonInferior, Signed, decided_by_share, interval_of
from dlstudy.judging.statistics import Interval, joint_sign_flip_p, paired_differences, share_interval
from dlstudy.study.judge import JudgeParams
from dlstudy.study.results import MissingResultError, Results

RELU: Final = "relu"
FOLDER: Final = "results/sweep"
FASTER_DEPTHS: Final = (1, 2, 4)  # where most activations get to the target
DEEP: Final = (4, 8, 16)
MOST: Final = 0.8  # of the cells: "most cases" of ACT-2; fixed by the protocol
HALF: Final = 0.5  # "usually" is more than this share


class Cell(NamedTuple):
    depth: int
    init: str

    def __str__(self) -> str:
        return f"{self.depth} hidden {'layer' if self.depth == 1 else 'layers'}, {self.init}"


# --- Rules over many comparisons ---


def single(evidence: Evidence, name: str) -> Evidence:
    """The evidence of one condition alone."""
    return replace(evidence, samples={name: evidence.samples[name]})


@dataclass(frozen=True)
class NonInferiorInMost:
    """It is not worse, in most of the conditions. Samples: first - second, by condition."""

    share: float

    def decide(self, evidence: Evidence, settings: JudgeParams) -> Decision:
        found = {name: NonInferior().decide(single(evidence, name), settings) for name in evidence.samples}
        verdicts = [each.verdict for each in found.values()]
        low = verdicts.count("supported") / len(found)
        high = 1 - verdicts.count("refuted") / len(found)
        if "invalid" in verdicts:
            return Decision("invalid", low, low, high, self.share, reasons=next(iter(found.values())).reasons)
        verdict: Verdict = "supported" if low >= self.share else "refuted" if high < self.share else "inconclusive"
        return Decision(verdict, low, low, high, self.share)

    def words(self, settings: JudgeParams) -> str:
        return (
            f"In each cell non-inferior if the {100 * settings.confidence:g} % interval of the difference lies above "
            f"-{settings.margin:g} points, inferior if it lies below. Supported if at least {100 * self.share:g} % of "
            "the cells are non-inferior; refuted if they would not be even with all undecided ones; else "
            "inconclusive. The share of non-inferior cells is shown, up to that with the undecided ones."
        )


@dataclass(frozen=True)
class BetterUsually:
    """It is better in more than a share of the conditions. Samples: first - second, by condition."""

    share: float

    def decide(self, evidence: Evidence, settings: JudgeParams) -> Decision:
        found = [Better().decide(single(evidence, name), settings) for name in evidence.samples]
        verdicts = [each.verdict for each in found]
        num, most = verdicts.count("supported"), len(found) - verdicts.count("refuted")
        least, widest = (share_interval(each, len(found), settings.confidence) for each in (num, most))
        share = Interval(least.estimate, least.low, widest.high)
        if reasons := [each.reasons for each in found if each.verdict == "invalid"]:
            return Decision("invalid", share.estimate, share.low, share.high, self.share, reasons=reasons[0])
        return decided_by_share(share, self.share)

    def words(self, settings: JudgeParams) -> str:
        percent = f"{100 * settings.confidence:g} %"
        return (
            f"Better in a cell if the {percent} interval of the difference lies above 0. Supported if Wilson's "
            f"{percent} interval of the share of such cells lies above {self.share:g}, refuted if it lies below even "
            "with the undecided cells counted as better; else inconclusive. The interval shown spans both."
        )


@dataclass(frozen=True)
class NonInferiorToAll:
    """It is not worse than any. Samples: first - another, by the name of the other."""

    def decide(self, evidence: Evidence, settings: JudgeParams) -> Decision:
        found = {name: NonInferior().decide(single(evidence, name), settings) for name in evidence.samples}
        worst = min(found, key=lambda name: found[name].estimate)
        verdicts = {each.verdict for each in found.values()}
        if "invalid" in verdicts:
            return replace(found[worst], where=worst)
        if verdicts == {"supported"}:  # as sure as of the one that is surest to be an exception
            return replace(found[worst], where=worst, p_value=max(each.p_value or 0.0 for each in found.values()))
        strict = 1 - (1 - settings.confidence) / len(found)
        inferior = [
            name
            for name, differences in evidence.samples.items()
            if interval_of(differences, settings, strict).high < -settings.margin
        ]
        if not inferior:
            return replace(found[worst], verdict="inconclusive", where=worst, p_value=1.0)
        where = min(inferior, key=lambda name: found[name].estimate)
        beyond = [[value + settings.margin for value in values] for values in evidence.samples.values()]
        return replace(found[where], verdict="refuted", where=where, p_value=joint_sign_flip_p(beyond))

    def words(self, settings: JudgeParams) -> str:
        return (
            f"Supported if the {100 * settings.confidence:g} % interval of the difference to every rival lies above "
            f"-{settings.margin:g} points; refuted if to one of them it lies below (Bonferroni); else inconclusive. "
            "The rival with the largest advantage is shown."
        )


# --- Evidence ---


def cells_of(results: Results) -> list[Cell]:
    """Every cell of the sweep, by initialiser and depth."""
    return [Cell(depth, init) for init, depths in results.study.sweep.protocol.cells.items() for depth in depths]


def rows_of(table: pd.DataFrame, activation: str, cell: Cell) -> pd.DataFrame:
    """The rows of one activation in one cell; MissingResultError if there are none."""
    found = table[(table["activation"] == activation) & (table["depth"] == cell.depth) & (table["init"] == cell.init)]
    if found.empty:
        raise MissingResultError(f"{FOLDER}/{activation}: expected rows of {cell}, found none")
    return found


def by_seed(results: Results, activation: str, cell: Cell, column: str = "test_accuracy") -> "pd.Series[float]":
    return rows_of(results.sweep("per_seed"), activation, cell).set_index("seed")[column]


def edges_of(results: Results, activations: Sequence[str], cells: Sequence[Cell]) -> tuple[str, ...]:
    """Learning rates at an end of those tried: a better one may lie beyond."""
    chosen = results.sweep("chosen")
    return tuple(
        f"{activation}, {cell}: its best learning rate lies at an end of those tried"
        for activation in activations
        for cell in cells
        if rows_of(chosen, activation, cell)["at_edge"].any()
    )


def diverged_of(results: Results, activations: Sequence[str], cells: Sequence[Cell]) -> tuple[str, ...]:
    """Trainings that diverged. Their accuracy counts as 0: what diverges is the best of nothing."""
    per_seed = results.sweep("per_seed")
    return tuple(
        f"{activation}, {cell}, seed {row['seed']}: diverged"
        for activation in activations
        for cell in cells
        for _, row in rows_of(per_seed, activation, cell).iterrows()
        if row["diverged"]
    )


def faults_of(results: Results, activations: Sequence[str], cells: Sequence[Cell]) -> tuple[str, ...]:
    """What keeps the activations from being compared with each other in the cells."""
    return edges_of(results, activations, cells) + diverged_of(results, activations, cells)


def points(results: Results, first: str, second: str, cell: Cell) -> list[float]:
    """By seed: test accuracy of the first less that of the second, in points."""
    differences = paired_differences(by_seed(results, first, cell), by_seed(results, second, cell))
    return (POINTS * differences).tolist()


def others(results: Results) -> list[str]:
    return [name for name in results.study.sweep.activations if name != RELU]


def best_on_validation(results: Results, cell: Cell, among: Sequence[str]) -> str:
    """The activation with the highest validation accuracy on average over the seeds; of equal ones the first."""
    return max(among, key=lambda name: by_seed(results, name, cell, "validation_accuracy").mean())


def protocol_facts(results: Results) -> dict[str, Any]:
    protocol = results.study.sweep.protocol
    return {
        **protocol.model_dump(),
        **results.study.sweep.thresholds.model_dump(),
        "num_seeds": len(results.study.seeds),
        "activations": results.study.sweep.activations,
    }


def told(name: str, differences: Sequence[float], settings: JudgeParams) -> dict[str, Any]:
    found = interval_of(differences, settings)
    return {"name": name, "estimate": found.estimate, "low": found.low, "high": found.high}


def mean_table(results: Results) -> list[dict[str, Any]]:
    """A row a cell: mean test accuracy of every activation, and which has the highest validation accuracy."""
    activations = results.study.sweep.activations
    return [
        {
            "cell": str(cell),
            "depth": cell.depth,
            "init": cell.init,
            "means": {name: float(by_seed(results, name, cell).mean()) for name in activations},
            "best": best_on_validation(results, cell, activations),
        }
        for cell in cells_of(results)
    ]


def evidence(
    results: Results, samples: Mapping[str, Sequence[float]], faults: tuple[str, ...], **facts: Any
) -> Evidence:
    """Evidence by condition; what the page tells of each condition is worked out here."""
    settings = results.study.judge
    rows = [told(name, values, settings) for name, values in samples.items()]
    return Evidence(
        samples,
        num_seeds=len(next(iter(samples.values()))),
        facts={"rows": rows, "protocol": protocol_facts(results), **facts},
        faults=faults,
    )


def relu_against_best(results: Results) -> Evidence:
    """ReLU less the other that is best on validation, in every cell."""
    rivals = {cell: best_on_validation(results, cell, others(results)) for cell in cells_of(results)}
    samples = {f"{cell}: {rival}": points(results, RELU, rival, cell) for cell, rival in rivals.items()}
    faults = edges_of(results, results.study.sweep.activations, cells_of(results))  # any might be the best one
    faults += tuple(fault for cell, rival in rivals.items() for fault in diverged_of(results, (RELU, rival), (cell,)))
    return evidence(results, samples, faults, means=mean_table(results))


def sigmoid_against_relu(results: Results, cells: Sequence[Cell] | None = None) -> Evidence:
    """Sigmoid less ReLU, in every cell or in some."""
    chosen = cells_of(results) if cells is None else cells
    samples = {str(cell): points(results, "sigmoid", RELU, cell) for cell in chosen}
    return evidence(results, samples, faults_of(results, ("sigmoid", RELU), chosen))


def relu_against_every_rival(results: Results, depth: int) -> Evidence:
    cell = Cell(depth, "matching")
    samples = {name: points(results, RELU, name, cell) for name in others(results)}
    return evidence(results, samples, faults_of(results, results.study.sweep.activations, (cell,)))


def steps_to_target(results: Results, activation: str, cell: Cell) -> "pd.Series[float]":
    """By seed: the first look at which the target is reached; the end of training where it is not."""
    looks = rows_of(results.sweep("looks"), activation, cell)
    last = num_steps(results)
    reached = looks[looks["validation_accuracy"] >= results.study.sweep.thresholds.target].groupby("seed")["step"].min()
    return reached.reindex(sorted(looks["seed"].unique()), fill_value=last).astype(float)


def num_steps(results: Results) -> int:
    """Of a whole training: the last look is when it is over."""
    return int(results.sweep("looks")["step"].max())


def steps_against(results: Results, rival: str) -> Evidence:
    """By seed: steps of ReLU less those of the rival, on average over the depths, in percent of a training."""
    cells = [Cell(depth, "matching") for depth in FASTER_DEPTHS if Cell(depth, "matching") in cells_of(results)]
    sides = {
        name: pd.concat([steps_to_target(results, name, cell) for cell in cells], axis=1) for name in (RELU, rival)
    }
    percent = {name: 100 * table.mean(axis=1) / num_steps(results) for name, table in sides.items()}
    differences = paired_differences(percent[RELU], percent[rival]).tolist()
    by_depth = [
        {
            "cell": str(cell),
            **{
                side: {
                    "steps": float(table.iloc[:, place].mean()),
                    "reached": int((table.iloc[:, place] < num_steps(results)).sum()),
                }
                for side, table in zip(("relu", "rival"), sides.values(), strict=True)
            },
        }
        for place, cell in enumerate(cells)
    ]
    return evidence(
        results,
        {f"relu - {rival}": differences},
        faults_of(results, (RELU, rival), cells),
        rival=rival,
        by_depth=by_depth,
        num_steps=num_steps(results),
    )


# --- Policies ---


def policy_accuracies(results: Results) -> pd.DataFrame:
    """A row a seed and cell: test accuracy of every activation, and of the one with the best validation accuracy."""
    frames = []
    for cell in cells_of(results):
        names = results.study.sweep.activations
        test, validation = (
            pd.DataFrame({name: by_seed(results, name, cell, column) for name in names})
            for column in ("test_accuracy", "validation_accuracy")
        )
        chosen = validation.idxmax(axis=1)
        test["best on validation"] = [test.loc[seed, chosen[seed]] for seed in test.index]
        frames.append(test.assign(depth=cell.depth, init=cell.init))
    return pd.concat(frames).rename_axis("seed").reset_index()


def regrets(results: Results) -> pd.DataFrame:
    """A row a seed: points that "always X" loses to the best on validation, on average over the cells, by X."""
    table = policy_accuracies(results)
    means = table.drop(columns=["depth", "init"]).groupby("seed").mean()
    return POINTS * means.rsub(means["best on validation"], axis=0).drop(columns="best on validation")


def relu_against_choice(results: Results, sign: float) -> Evidence:
    """By seed: ReLU always less the best on validation, on average over the cells; or the negative."""
    table = regrets(results)
    settings = results.study.judge
    rows = [told(str(name), table[name].tolist(), settings) for name in table]
    found = evidence(
        results,
        {"": (sign * table[RELU]).tolist()},
        edges_of(results, results.study.sweep.activations, cells_of(results))
        + diverged_of(results, (RELU,), cells_of(results)),
        regrets=sorted(rows, key=lambda row: row["estimate"]),
        num_cells=len(cells_of(results)),
    )
    return found


# --- Claims ---

ACT_2 = Statement(
    "ACT-2",
    "perceptron",
    Text(
        "ReLU, the activation for general use, performs best in most cases.",
        "作为通用的激活函数，ReLU 在大多数情况下表现最好。",
    ),
)
ACT_5 = Statement(
    "ACT-5",
    "perceptron",
    Text(
        "For classifiers sigmoid is usually the better activation: in the hidden layers.",
        "对于分类器，sigmoid 通常是更好的激活函数：用在隐藏层。",
    ),
)
ACT_12 = Statement(
    "ACT-12",
    "perceptron",
    Text("With many layers ReLU is best.", "层数很多时，最好使用 ReLU。"),
)
ACT_15 = Statement("ACT-15", "perceptron", Text("ReLU learns faster.", "使用 ReLU 学习得更快。"))
ACT_16 = Statement(
    "ACT-16",
    "perceptron",
    Text("Start with ReLU, and try others if it does not do.", "先用 ReLU，效果不理想再尝试其他激活函数。"),
)

RAMACHANDRAN: Final = "Ramachandran, Zoph & Le, Searching for Activation Functions, arXiv 1710.05941, 2017"
GELU: Final = "Hendrycks & Gimpel, Gaussian Error Linear Units, arXiv 1606.08415, 2016"
GLOROT: Final = "Glorot & Bengio, AISTATS 2010; Glorot, Bordes & Bengio, AISTATS 2011"
KRIZHEVSKY: Final = "Krizhevsky, Sutskever & Hinton, ImageNet Classification with Deep CNNs, NIPS 2012, figure 1"

ACT_2_CLAIM: Final = Claim(
    statement=ACT_2,
    reading="",
    tested=Text(
        "ReLU is at most the margin worse than the best other activation in at least 80 % of all cells, numbers of "
        "hidden layers with an initialisation.",
        "在所有单元（隐藏层数与初始化方法的组合）中，ReLU 至少在 80 % 的单元里不比其余激活函数中最好的差出一个容许差。",
    ),
    kind="comparison",
    quantifier="in most cases (at least 80 % of the cells)",
    unit="share of cells",
    rule=NonInferiorInMost(MOST),
    literature=Literature("others, such as Swish, match or exceed it on deep networks", RAMACHANDRAN),
    would_change="Longer training or wider layers, if ReLU catches up with them; or a wider margin.",
    data=(FOLDER,),
    measure=relu_against_best,
)

ACT_5_CLAIMS: Final = (
    Claim(
        statement=ACT_5,
        reading="usually",
        tested=Text(
            "Sigmoid in the hidden layers is better than ReLU in more than half of all cells.",
            "隐藏层使用 sigmoid，在半数以上的单元里优于 ReLU。",
        ),
        kind="comparison",
        quantifier="usually (in more than half of the cells)",
        unit="share of cells",
        rule=BetterUsually(HALF),
        literature=Literature("sigmoid is worse than tanh in deep networks, and tanh than rectifiers", GLOROT),
        would_change="A study of networks with one hidden layer only, if sigmoid is better there.",
        data=(FOLDER,),
        measure=sigmoid_against_relu,
    ),
    *(
        Claim(
            statement=ACT_5,
            reading=f"depth_{depth}",
            tested=Text(
                f"With {depth} hidden {'layer' if depth == 1 else 'layers'}, each with the initialisation made for it, "
                "sigmoid is better than ReLU.",
                f"有 {depth} 个隐藏层、各用与之匹配的初始化时，sigmoid 优于 ReLU。",
            ),
            kind="comparison",
            quantifier="on average over the seeds",
            unit="accuracy points",
            rule=Better(),
            literature=Literature("sigmoid is worse than tanh in deep networks, and tanh than rectifiers", GLOROT),
            would_change=would_change,
            data=(FOLDER,),
            measure=partial(sigmoid_against_relu, cells=(Cell(depth, "matching"),)),
            confirmatory=True,
        )
        for depth, would_change in (
            (1, "Longer training or another width: one hidden layer is where the two are close."),
            (8, "A rescue of the deep sigmoid: see ACT-11."),
        )
    ),
)

ACT_12_CLAIMS: Final = tuple(
    Claim(
        statement=ACT_12,
        reading=f"depth_{depth}",
        tested=Text(
            f"With {depth} hidden layers ReLU is at most the margin worse than every other activation, each with the "
            "initialisation made for it.",
            f"有 {depth} 个隐藏层、各用与之匹配的初始化时，ReLU 与任何其他激活函数相比，至多差出一个容许差。",
        ),
        kind="comparison",
        quantifier="against every rival",
        unit="accuracy points",
        rule=NonInferiorToAll(),
        literature=Literature("GELU comes out ahead of it on several tasks", GELU),
        would_change="Longer training, if ReLU catches up; batch normalisation or residual connections, with which "
        "depth matters less.",
        data=(FOLDER,),
        measure=partial(relu_against_every_rival, depth=depth),
        confirmatory=True,
    )
    for depth in DEEP
)

ACT_15_CLAIMS: Final = tuple(
    Claim(
        statement=ACT_15,
        reading=rival,
        tested=Text(
            f"ReLU reaches the target accuracy on validation in fewer steps than {rival}, on average over 1 to 4 "
            "hidden layers, each at its best learning rate.",
            f"在各自最佳的学习率下，就 1 至 4 个隐藏层平均而言，ReLU 达到目标验证准确率所需的步数少于 {rival}。",
        ),
        kind="comparison",
        quantifier="on average over the seeds",
        unit="% of a training",
        rule=Signed("below"),
        literature=Literature("six times as fast as tanh in a convolutional network, on CIFAR-10", KRIZHEVSKY),
        would_change="A target that one of the two does not reach, or learning rates that do not suit each.",
        data=(f"{FOLDER}/relu", f"{FOLDER}/{rival}"),
        measure=partial(steps_against, rival=rival),
        confirmatory=True,
    )
    for rival in ("sigmoid", "tanh")
)

ACT_16_CLAIMS: Final = (
    Claim(
        statement=ACT_16,
        reading="start",
        tested=Text(
            "Whoever always takes ReLU loses at most the margin against whoever tries all activations and takes the "
            "best on validation, on average over the cells.",
            "就各单元平均而言，一律使用 ReLU，与把所有激活函数都试一遍、按验证集择优相比，至多差出一个容许差。",
        ),
        kind="comparison",
        quantifier="on average over cells and seeds",
        unit="accuracy points",
        rule=NonInferior(),
        literature=Literature(
            "ReLU is the usual starting point", "Goodfellow, Bengio & Courville, Deep Learning, 2016, ch. 6"
        ),
        would_change="Cells without deep networks under PyTorch's default initialisation, where ReLU loses most.",
        data=(FOLDER,),
        measure=partial(relu_against_choice, sign=-1.0),
        confirmatory=True,
    ),
    Claim(
        statement=ACT_16,
        reading="others",
        tested=Text(
            "Whoever tries all activations and takes the best on validation does better than whoever always takes "
            "ReLU.",
            "把所有激活函数都试一遍、按验证集择优，优于一律使用 ReLU。",
        ),
        kind="comparison",
        quantifier="on average over cells and seeds",
        unit="accuracy points",
        rule=Better(),
        literature=Literature("the best found grows with the trials that are spent", "Dodge et al., EMNLP 2019"),
        would_change="Activations among which none is better than ReLU in any cell.",
        data=(FOLDER,),
        measure=partial(relu_against_choice, sign=1.0),
        confirmatory=True,
    ),
)

CLAIMS: Final[tuple[Claim, ...]] = (ACT_2_CLAIM, *ACT_5_CLAIMS, *ACT_12_CLAIMS, *ACT_15_CLAIMS, *ACT_16_CLAIMS)
