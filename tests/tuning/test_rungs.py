"""Tuning by rungs, on made-up landscapes whose best configuration is known."""

import math

import pytest

from dlstudy.tuning.params import learning_rate, step_of
from dlstudy.tuning.rungs import Climb, Configuration, RungScore, climb_all, diverged_score, next_start

SEEDS = (100, 101)
COARSE = {Configuration(init, step) for init in ("he", "pytorch") for step in (-8, -6, -4, -2, 0)}


def hill(top, *, height=0.9):
    """Accuracy falls off around the best learning rate 10^(top/4); `pytorch` is always a little worse."""

    def score(trial):
        init, step = trial.configuration
        distance = abs(step - top) + (0.5 if init == "pytorch" else 0) + 0.1 * (trial.seed == SEEDS[0])
        return RungScore(height - 0.05 * distance, 1 + distance)

    return score


def climbed(score, start=COARSE, *, guessing=0.2):
    climb = Climb("a cell", SEEDS, guessing)
    climb_all([climb], {"a cell": start}, lambda trials: [score(trial) for trial in trials])
    return climb


@pytest.mark.parametrize("top", [-9, -5, -3, 0, 3])  # between rates of the first rung, at its end, and beyond
def test_the_best_is_found_with_both_its_neighbours_tried(top):
    climb = climbed(hill(top))
    assert climb.best() == ("he", top)
    assert not climb.at_edge
    assert set(climb.best().neighbours()) <= set(climb.tried)


def test_a_best_that_runs_away_is_said_to_lie_at_an_edge():
    climb = climbed(hill(40, height=3))
    assert climb.at_edge


def test_a_training_that_diverges_counts_as_accuracy_0():
    def score(trial):
        at_border = trial.configuration.step == -2 and trial.seed == SEEDS[1]
        return diverged_score() if at_border or trial.configuration.step > -2 else hill(-2)(trial)

    climb = climbed(score)
    assert climb.best() == ("he", -3)  # with -2 only one of two seeds is trained: half its accuracy
    assert climb.accuracy == pytest.approx(0.9 - 0.05 * 1.05)


def test_no_rate_is_left_out_because_a_neighbour_diverges():
    def score(trial):
        return diverged_score() if trial.configuration.step > -3 else hill(0)(trial)

    assert climbed(score).best() == ("he", -3)


def test_where_all_guess_the_loss_decides_and_the_climb_ends_soon():
    def guesses(trial):
        return RungScore(0.1, 10 - trial.configuration.step)  # ever lower for larger rates

    climb = climbed(guesses)
    assert not climb.trains
    assert not climb.at_edge  # no question where nothing trains
    assert climb.best().step == 2  # two steps beyond the end of the grid


def test_what_was_tried_is_not_tried_again():
    asked = []

    def score_all(trials):
        asked.extend(trials)
        return [hill(-5)(trial) for trial in trials]

    climb = Climb("a cell", SEEDS, 0.2)
    climb_all([climb], {"a cell": COARSE}, score_all)
    assert len(asked) == len(set(asked)) == len(climb.tried) * len(SEEDS)


def test_the_next_rung_starts_from_the_best_its_neighbours_and_the_best_of_the_other_initialiser():
    climb = climbed(hill(-5))
    around = {("he", -6), ("he", -5), ("he", -4)}
    assert next_start(climb, other_inits=False) == around
    assert next_start(climb, other_inits=True) == around | {climb.best("pytorch")}


def test_of_equally_good_rates_the_smallest_is_taken():
    climb = climbed(lambda trial: RungScore(0.8, 1.0))
    assert climb.best().step == min(each.step for each in climb.tried)


def test_cells_climb_together():
    rounds = []
    climbs = [Climb(top, SEEDS, 0.2) for top in (-8, -2)]

    def score_all(trials):
        rounds.append({trial.place for trial in trials})
        return [hill(trial.place)(trial) for trial in trials]

    climb_all(climbs, dict.fromkeys((-8, -2), COARSE), score_all)
    assert [climb.best().step for climb in climbs] == [-8, -2]
    assert rounds[0] == {-8, -2}


def test_rates_are_quarters_of_a_decade_for_people_to_read():
    assert [learning_rate(step) for step in (-8, -7, -2, 1, 4)] == [0.01, 0.0178, 0.316, 1.78, 10.0]
    assert all(step_of(learning_rate(step)) == step for step in range(-24, 9))
    assert all(math.isclose(10 ** (step / 4), learning_rate(step), rel_tol=0.005) for step in range(-24, 9))
    with pytest.raises(ValueError, match=r"expected learning rates of quarters of a decade, such as 0.178, found 0.2$"):
        step_of(0.2)
