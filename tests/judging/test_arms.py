"""The ladder's readings in its arms: made of the ladder's own tables, with a change that is known."""

import shutil

import pandas as pd
import pytest

from dlstudy.core.base.artifacts import write_csv
from dlstudy.judging.judgement import arm_table
from dlstudy.judging.statements import readings_of
from dlstudy.measures.find import measured
from dlstudy.study.ladder import ArmResults, Ladder
from dlstudy.study.results import MissingResultError, Results
from tests.committed import committed_statements, committed_study
from tests.measures.support import ROOT

ALL = committed_study()
ARM = ALL.ladder.arms["momentum"]
ARMS = {name: arm for name, arm in ALL.ladder.arms.items() if name in ("momentum", "again", "linear")}
STUDY = ALL.model_copy(update={"ladder": ALL.ladder.model_copy(update={"arms": ARMS})})
READINGS = readings_of(committed_statements(timed=False))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A checkout with the tables that the ladder's readings need."""
    found = tmp_path_factory.mktemp("checkout")
    for name in (*ARM.activations, "again", "linear"):
        shutil.copytree(ROOT / "results/ladder" / name, found / "results/ladder" / name)
    shutil.copytree(ROOT / "results/experiments/signal_propagation", found / "results/experiments/signal_propagation")
    return found


def judged_in_arm(root, change):
    """The table of the arm `momentum`, whose networks are the ladder's, changed; by reading."""
    for table in ("per_seed", "chosen", "tuning"):
        parts = [pd.read_csv(root / f"results/ladder/{name}/{table}.csv") for name in ARM.activations]
        write_csv(root / f"results/ladder/momentum/{table}.csv", change(table, pd.concat(parts)))
    return arm_table(READINGS, Results(root, STUDY), measured).set_index("id")


def test_all_that_read_the_same_results_share_a_ladder_and_an_arm_has_its_own(root):
    whole = Results(root, STUDY)
    arm, cells = ArmResults.of(whole, ARM, "momentum"), ArmResults.of(whole, ARM)
    assert Ladder.of(whole) is Ladder.of(whole)
    assert [Ladder.of(each).results for each in (whole, arm, cells)] == [whole, arm, cells]
    assert len({id(Ladder.of(each)) for each in (whole, arm, cells)}) == 3


def test_in_an_arm_that_changes_nothing_no_verdict_moves(root):
    found = judged_in_arm(root, lambda name, table: table)
    assert set(found["moves"]) == {"no"}
    assert (found["verdict"] == found["on_ladder"]).all()
    assert {"ACT-2", "ACT-5/usually", "ACT-11/cause", "ACT-12/all", "ACT-15/tanh", "ACT-16/policy"} <= set(found.index)
    assert "MLP-1/accuracy" not in found.index  # about networks without activation, which the arm has not


def test_in_an_arm_where_sigmoid_wins_its_verdicts_move(root):
    def sigmoid_wins(name, table):
        if name == "per_seed":
            better = table["activation"] == "sigmoid"
            for column in ("test_accuracy", "validation_accuracy"):
                table.loc[better, column] = 0.95 + 0.0001 * (table.loc[better, "seed"] % 3)
        return table

    found = judged_in_arm(root, sigmoid_wins)
    assert found.loc["ACT-5/usually", ["verdict", "on_ladder", "moves"]].tolist() == ["supported", "refuted", "yes"]
    assert found.loc["ACT-12/rivals", "verdict"] == "refuted"
    assert found.loc["ACT-11/sigmoid", "verdict"] == "inconclusive"  # no cell in which fewer of its seeds train


def test_in_an_arm_where_all_reach_more_the_ladders_own_control_still_stands(root):
    def better(name, table):
        if name == "per_seed":
            for column in ("test_accuracy", "validation_accuracy"):
                table[column] += 0.03
        return table

    found = judged_in_arm(root, better)
    assert found.loc["ACT-12/rivals", "verdict"] == "refuted"
    differences = [name for name in found.index if name.startswith(("ACT-5", "ACT-12", "ACT-15"))]
    assert set(found.loc[differences, "moves"]) == {"no"}


def test_an_arm_without_its_tables_is_told_with_its_stage(root, tmp_path):
    shutil.copytree(root / "results", tmp_path / "results", ignore=shutil.ignore_patterns("momentum"))
    with pytest.raises(MissingResultError, match=r"results/ladder/momentum.*ladder_arm@momentum"):
        arm_table(READINGS, Results(tmp_path, STUDY), measured)
