"""ACT-11: whether sigmoid and tanh must sometimes be avoided, and ReLU never: which networks train at all."""

from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from dlstudy.claims.outputs import ACT_11
from dlstudy.claims.sweep import FOLDER, RELU, Cell, by_seed, cells_of, edges_of, protocol_facts
from dlstudy.judging.core import Claim, Decision, Evidence, Literature, Text, Verdict
from dlstudy.judging.statistics import higher_share_p, holm, least_num_pairs, share_interval
from dlstudy.study.judge import JudgeParams
from dlstudy.study.results import Results

SCHOENHOLZ: Final = "Schoenholz et al., Deep Information Propagation, ICLR 2017"


@dataclass(frozen=True)
class SometimesFewer:
    """Under some condition significantly fewer succeed with the first than with the second.

    Samples, by condition: 1 or 0 for each run of the first, then as many for the second. Fisher's exact test, with
    Holm over the conditions.
    """

    def decide(self, evidence: Evidence, settings: JudgeParams) -> Decision:
        p_values, gaps = {}, {}
        for name, values in evidence.samples.items():
            half = len(values) // 2
            first, second = (int(sum(side)) for side in (values[:half], values[half:]))
            p_values[name] = higher_share_p((second, half), (first, half))
            gaps[name] = (first - second) / half
        adjusted = holm(p_values)
        where = min(adjusted, key=lambda name: (adjusted[name], gaps[name]))
        if evidence.num_seeds < least_num_pairs((1 + settings.confidence) / 2):
            return Decision("invalid", gaps[where], gaps[where], gaps[where], 0.0, where, reasons=("too few seeds",))
        verdict: Verdict = "inconclusive"
        if adjusted[where] <= 1 - settings.confidence:
            verdict = "supported"
        elif min(gaps.values()) >= 0:
            verdict = "refuted"
            where = min(gaps, key=lambda name: gaps[name])
        return Decision(verdict, gaps[where], gaps[where], gaps[where], 0.0, where, p_value=adjusted[where])

    def words(self, settings: JudgeParams) -> str:
        return (
            f"Supported if in one cell significantly fewer seeds train (Fisher's exact test, Holm over the cells, "
            f"{100 * (1 - settings.confidence):g} %); refuted if in no cell fewer do; else inconclusive. The cell that "
            "comes nearest to it is shown."
        )


def trained(results: Results, activation: str, cell: Cell) -> list[float]:
    """By seed: 1 where validation accuracy is that of a trained network."""
    reached = by_seed(results, activation, cell, "validation_accuracy") >= results.study.sweep.thresholds.trainable
    return reached.sort_index().astype(float).tolist()


def shares(results: Results) -> list[dict[str, Any]]:
    """A row a cell: of every activation the share of seeds that train, with Wilson's interval."""
    rows = []
    for cell in cells_of(results):
        by_name = {}
        for name in results.study.sweep.activations:
            runs = trained(results, name, cell)
            found = share_interval(int(sum(runs)), len(runs), results.study.judge.confidence)
            by_name[name] = {"share": found.estimate, "low": found.low, "high": found.high}
        rows.append({"cell": str(cell), "depth": cell.depth, "init": cell.init, "shares": by_name})
    return rows


def fewer_trained(results: Results, first: str, second: str) -> Evidence:
    """In every cell, which seeds train with the first, then with the second."""
    samples = {str(cell): trained(results, first, cell) + trained(results, second, cell) for cell in cells_of(results)}
    # A network that diverges has not trained: that is what is counted here, and no fault.
    edges = edges_of(results, (first, second), cells_of(results))
    facts = {"shares": shares(results), "protocol": protocol_facts(results)}
    return Evidence(samples, num_seeds=len(next(iter(samples.values()))) // 2, facts=facts, faults=edges)


def claim(reading: str, tested: Text, first: str, second: str, literature: Literature, would_change: str) -> Claim:
    return Claim(
        statement=ACT_11,
        reading=reading,
        tested=tested,
        kind="comparison",
        quantifier="sometimes (in one significant cell)",
        unit="share of seeds that train, less that of the other",
        rule=SometimesFewer(),
        literature=literature,
        would_change=would_change,
        data=(f"{FOLDER}/{first}", f"{FOLDER}/{second}"),
        measure=partial(fewer_trained, first=first, second=second),
    )


CLAIMS: Final[tuple[Claim, ...]] = (
    claim(
        "sigmoid",
        Text(
            "There are cells in which fewer seeds train with sigmoid than with ReLU.",
            "在某些单元里，使用 sigmoid 时能够训练成功的种子少于使用 ReLU 时。",
        ),
        "sigmoid",
        RELU,
        Literature("yes: the depth to which signals reach is bounded, and small for sigmoid", SCHOENHOLZ),
        "One of the rescues above, used throughout.",
    ),
    claim(
        "tanh",
        Text(
            "There are cells in which fewer seeds train with tanh than with ReLU.",
            "在某些单元里，使用 tanh 时能够训练成功的种子少于使用 ReLU 时。",
        ),
        "tanh",
        RELU,
        Literature("not with weights near the critical variance, where tanh trains to any depth", SCHOENHOLZ),
        "Deeper networks, or initial weights far from the critical variance.",
    ),
    claim(
        "relu",
        Text(
            "ReLU, too, must sometimes be avoided: there are cells in which fewer seeds train with it than with tanh.",
            "ReLU 有时也应避免：在某些单元里，使用 ReLU 时能够训练成功的种子少于使用 tanh 时。",
        ),
        RELU,
        "tanh",
        Literature("ReLU's signals shrink under weights smaller than He's", "He et al., ICCV 2015"),
        "He's initialisation throughout: under PyTorch's default its signals fade.",
    ),
)
