"""Do verdicts of the ladder depend on how its networks are trained? Each is decided once more in every arm of it.

An arm has fewer activations, depths and budgets than the ladder. So beside its verdict stands that of the ladder cut
down to the same cells: where the two differ, it is the training that moves the verdict. Each is decided by itself,
without Holm's correction; the ladder's own A/A controls stand in for those of an arm, which has none.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import pandas as pd

from dlstudy.experiments.ladder.params import Arm
from dlstudy.judging.evidence import Evidence
from dlstudy.judging.judgement import Measure, checked, guarded
from dlstudy.judging.rules import Decision
from dlstudy.judging.statements import Reading
from dlstudy.study.ladder import RELU, ArmResults, Ladder
from dlstudy.study.results import MissingResultError, Results

COLUMNS: Final = ("arm", "id", "verdict", "estimate", "low", "high", "where", "on_ladder", "moves")


def arm_table(readings: Sequence[Reading], results: Results, measure: Measure) -> pd.DataFrame:
    """A row an arm and reading: the arm's verdict, that of the ladder on the same cells, and whether they differ."""
    of_ladder = [each for each in readings if any(path.startswith("results/ladder") for path in each.en.data)]
    rows = [
        row
        for name, arm in results.study.ladder.arms.items()
        if RELU in arm.activations and len(arm.activations) > 1
        for row in arm_rows(of_ladder, results, measure, name, arm)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def arm_rows(
    readings: Sequence[Reading], results: Results, measure: Measure, name: str, arm: Arm
) -> Iterator[dict[str, Any]]:
    in_arm, on_ladder = ArmResults.of(results, arm, name), ArmResults.of(results, arm)
    if not Ladder(in_arm).living or not Ladder(on_ladder).living:
        return
    for reading in readings:
        of_arm, same_cells = decided(reading, in_arm, measure), decided(reading, on_ladder, measure)
        if of_arm is None or same_cells is None:
            continue
        yield {
            "arm": name,
            "id": reading.key,
            "verdict": of_arm.verdict,
            "estimate": of_arm.estimate,
            "low": of_arm.low,
            "high": of_arm.high,
            "where": of_arm.where or "all cells",
            "on_ladder": same_cells.verdict,
            "moves": "no" if of_arm.verdict == same_cells.verdict else "yes",
        }


def decided(reading: Reading, results: ArmResults, measure: Measure) -> Decision | None:
    """The decision on a reading by itself; None where it is about an activation or a depth that the arm has not."""
    try:
        evidence: Evidence = checked(reading, measure(reading, results))
    except MissingResultError:
        return None
    return guarded(reading, evidence, reading.en.rule, results.study.judge, ())
