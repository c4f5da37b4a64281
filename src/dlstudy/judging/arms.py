"""Do verdicts of the ladder depend on how its networks are trained? Each is decided once more in every arm of it.

An arm has fewer activations, depths and budgets than the ladder. So beside its verdict stands that of the ladder cut
down to the same cells: where the two differ, it is the training that moves the verdict. Each is decided by itself,
without Holm's correction; the ladder's own A/A controls stand in for those of an arm, which has none.
"""

from collections.abc import Sequence
from typing import Final

import pandas as pd

from dlstudy.judging.judgement import Measure, checked, guarded
from dlstudy.judging.rules import Decision
from dlstudy.judging.statements import Reading
from dlstudy.study.ladder import RELU, ArmResults, Ladder
from dlstudy.study.results import MissingResultError, Results

COLUMNS: Final = ("arm", "id", "verdict", "estimate", "low", "high", "where", "on_ladder", "moves")


def arm_table(readings: Sequence[Reading], results: Results, measure: Measure) -> pd.DataFrame:
    """A row per arm and reading: the arm's verdict, that of the ladder on the same cells, and whether they differ."""
    of_ladder = [each for each in readings if any(path.startswith("results/ladder") for path in each.en.data)]
    rows = []
    for name, arm in results.study.ladder.arms.items():
        in_arm, on_ladder = ArmResults.of(results, arm, name), ArmResults.of(results, arm)
        comparable = RELU in arm.activations and len(arm.activations) > 1
        if not (comparable and Ladder(in_arm).living and Ladder(on_ladder).living):
            continue
        for reading in of_ladder:
            found, same_cells = decided(reading, in_arm, measure), decided(reading, on_ladder, measure)
            if found is not None and same_cells is not None:
                interval = (found.estimate, found.low, found.high)
                moves = "no" if found.verdict == same_cells.verdict else "yes"
                where = found.where or "all cells"
                rows.append((name, reading.key, found.verdict, *interval, where, same_cells.verdict, moves))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def decided(reading: Reading, results: ArmResults, measure: Measure) -> Decision | None:
    """The decision on a reading by itself; None where it is about an activation or a depth that the arm has not."""
    try:
        evidence = checked(reading, measure(reading, results))
    except MissingResultError:
        return None
    return guarded(reading, evidence, reading.en.rule, results.study.judge, ())
