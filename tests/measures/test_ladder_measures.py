"""What the readings on the ladder leave out, and why."""

import pytest

from dlstudy.core.base.errors import StudyError
from dlstudy.core.networks import matching_init
from dlstudy.judging.judgement import checked
from dlstudy.judging.rules import decide
from dlstudy.measures import ladder
from dlstudy.study.ladder import Cell, Ladder
from tests.measures.cases_ladder import EQUAL, LONGEST, PROTOCOL, SHORTEST, STUDY, climbed, only
from tests.measures.test_measures import BY_KEY


def test_a_cell_in_which_nothing_trains_counts_nowhere():
    assert Ladder(EQUAL).living == Ladder(EQUAL).cells
    deep_dead = climbed(lambda name, depth, budget: 0.5 if depth == 16 else 0.85)
    living = Ladder(deep_dead).living
    assert {cell.depth for cell in living} == set(PROTOCOL.depths) - {16}
    assert len(ladder.relu_against_best(deep_dead).samples) == len(living)
    assert set(Ladder(deep_dead).regrets()["depth"]) == set(PROTOCOL.depths) - {16}


def test_a_cell_whose_control_differs_from_itself_decides_nothing():
    sound = only("relu", 0.80)
    noisy = climbed(lambda name, *_: 0.80 if name == "relu" else 0.85, again=lambda *_: 0.02)
    rule = BY_KEY["ACT-2"].en.rule
    verdicts = [decide(ladder.relu_against_best(each), rule, STUDY.judge).verdict for each in (sound, noisy)]
    assert verdicts == ["refuted", "inconclusive"]


def test_a_choice_at_an_edge_spoils_its_own_conditions():
    assert not any(ladder.relu_against_best(EQUAL).spoilt.values())
    of_sigmoid = ladder.deep(climbed(lambda *_: 0.85, at_edge=("sigmoid",)), 4)
    spoilt = {name for name, reasons in of_sigmoid.spoilt.items() if reasons}
    assert spoilt == {name for name in of_sigmoid.samples if name.endswith(": sigmoid")}
    (reason,) = of_sigmoid.spoilt[min(spoilt)]
    assert "its best learning rate lies at an end of those tried" in reason


def test_the_notes_policy_tries_others_only_where_relu_does_not_reach_softmax_regression():
    found = climbed(
        lambda name, depth, budget: 0.84 if name == "softmax" else 0.70 if (name, depth) == ("relu", 8) else 0.86
    )
    read = Ladder(found)
    assert read.relu_first(Cell(1, LONGEST)) == "relu"
    assert read.relu_first(Cell(8, SHORTEST)) != "relu"
    table = read.regrets()
    of_eight = table[table["depth"] == 8]
    assert (of_eight["always relu"] > 15).all()
    assert (of_eight["relu first"].abs() < 1).all()


def test_an_activation_is_less_relu_in_points():
    (sample,) = ladder.against_relu(only("sigmoid", 0.80), "sigmoid", depth=1).samples.values()
    assert len(sample.values) == len(PROTOCOL.seeds)
    assert all(-5.2 < value < -4.8 for value in sample.values)  # 0.80 less 0.85, but for the wobble of 0.0012


def test_the_matching_initialiser_is_that_of_the_training():
    names = STUDY.ladder.activations
    assert [ladder.drawn_by("matching", name) for name in names] == [matching_init(name) for name in names]


def test_without_an_order_to_compare_the_cause_is_not_judged():
    """A correlation with what is the same everywhere is no number."""
    alike = climbed(lambda *_: 0.85, learns=lambda _: 0.85)
    evidence = checked(BY_KEY["ACT-11/cause"], ladder.cause(alike))
    assert evidence.faults == (
        f"accuracy: the same in all {len(ladder.signals(Ladder(alike)))} cases, which leaves nothing to rank",
    )
    assert ladder.cause(EQUAL).faults == ()


def test_where_nothing_trains_in_the_cells_that_it_is_about_a_reading_is_invalid():
    """Small images of one's own may leave every deep network untrained; the shallow ones are judged all the same."""
    shallow = climbed(lambda name, depth, budget: 0.1 if depth >= 4 else 0.85)
    evidence = checked(BY_KEY["ACT-12/all"], ladder.deep(shallow, 4))
    assert evidence.faults == ("nothing trains in the cells that it is about",)
    assert ladder.relu_against_best(shallow).faults == ()
    none = climbed(lambda *_: 0.1)
    assert ladder.at_shortest(none, "tanh").faults == evidence.faults
    for measure in (ladder.relu_against_best, lambda found: ladder.policy_reached(found, "relu first")):
        with pytest.raises(StudyError, match=r"ladder\.thresholds\.trainable: expected .* found 0\.8, .* lower it"):
            measure(none)
