import pytest

from dlstudy.tuning.search import (
    MOST_EXTENSIONS,
    Choice,
    Score,
    Trial,
    choices_of,
    choose,
    extension,
    grid_factor,
    mean_accuracies,
    tune,
)

GRID = (0.01, 0.1, 1.0)


def rounds_of(accuracy_of, cells=("cell",), grid=GRID, seeds=(1, 2), guessing=0.0):
    """Tune with made-up accuracies; all scores, and the trials of each round."""
    rounds = []

    def score_all(trials):
        rounds.append(list(trials))
        return [accuracy_of(trial) for trial in trials]

    return tune(cells, grid, seeds, score_all, guessing=guessing), rounds


def peak_at(best):
    """The accuracy falls with the distance to the best learning rate, on a logarithmic scale."""
    return lambda trial: Score(1 / (1 + max(trial.lr / best, best / trial.lr)))


@pytest.mark.parametrize(
    ("grid", "factor"), [((0.01, 0.1, 1.0), 10), ((1.0, 2.0, 4.0, 8.0), 2), ((0.03, 0.1, 0.3), 10**0.5)]
)
def test_the_factor_of_a_grid_is_that_between_its_neighbours(grid, factor):
    assert grid_factor(grid) == pytest.approx(factor)


def test_accuracies_are_averaged_over_the_seeds_of_one_cell():
    scores = {
        Trial("a", 0.1, 1): Score(0.8),
        Trial("a", 0.01, 1): Score(0.5),
        Trial("a", 0.1, 2): Score(0.6),
        Trial("b", 0.1, 1): Score(0.0),
    }
    found = mean_accuracies(scores, "a")
    assert list(found) == [0.01, 0.1]  # ascending
    assert found == pytest.approx({0.01: 0.5, 0.1: 0.7})


def test_means_of_as_many_right_answers_tie_whatever_their_last_bits():
    # 0.1 + 0.2 + 0.6 and 0.2 + 0.3 + 0.4 are both 0.9, but not as sums of floating-point numbers
    shares = {0.01: (0.1, 0.2, 0.6), 0.1: (0.3, 0.4, 0.2)}
    assert sum(shares[0.01]) != sum(shares[0.1])
    scores = {Trial("a", lr, seed): Score(value) for lr in shares for seed, value in enumerate(shares[lr])}
    assert len(set(mean_accuracies(scores, "a").values())) == 1


def test_the_best_learning_rate_is_chosen():
    assert choose({0.01: 0.5, 0.1: 0.9, 1.0: 0.8}) == Choice(0.1, at_edge=False)


@pytest.mark.parametrize("best", [0.01, 1.0])
def test_a_best_at_an_end_is_at_the_edge(best):
    assert choose(dict.fromkeys(GRID, 0.5) | {best: 0.9}) == Choice(best, at_edge=True)


def test_a_tie_goes_to_the_smaller_learning_rate():
    assert choose({1.0: 0.9, 0.1: 0.9, 0.01: 0.5}).lr == 0.1


def test_a_grid_is_extended_beyond_its_best_end():
    assert extension({0.01: 0.9, 0.1: 0.8}, factor=10) == 0.001
    assert extension({0.01: 0.8, 0.1: 0.9}, factor=10) == 1.0
    assert extension({0.01: 0.8, 0.1: 0.9, 1.0: 0.8}, factor=10) is None


def test_a_learning_rate_beyond_the_grid_has_three_digits():
    assert extension({0.1: 0.8, 0.3: 0.9}, factor=10**0.5) == 0.949


def test_a_best_within_the_grid_takes_one_round_and_its_refinement():
    scores, rounds = rounds_of(peak_at(0.1))
    expected = [[Trial("cell", lr, seed) for lr in rates for seed in (1, 2)] for rates in (GRID, (0.0316, 0.316))]
    assert rounds == expected
    assert list(scores) == expected[0] + expected[1]


def test_the_refinement_can_find_a_better_one_and_never_an_edge():
    scores, _ = rounds_of(peak_at(0.3))
    assert choose(mean_accuracies(scores, "cell")) == Choice(0.316, at_edge=False)


def test_the_grid_grows_until_the_best_lies_within():
    scores, rounds = rounds_of(peak_at(100.0))
    assert [trials[0].lr for trials in rounds[1:-1]] == [10, 100, 1000]
    assert choose(mean_accuracies(scores, "cell")) == Choice(100, at_edge=False)


def test_a_best_that_flees_is_given_up_and_at_the_edge():
    scores, rounds = rounds_of(lambda trial: Score(trial.lr / (1 + trial.lr)))
    assert len(rounds) == 2 + MOST_EXTENSIONS
    assert rounds[-1] == []  # nothing lies on both sides of it
    assert choose(mean_accuracies(scores, "cell")) == Choice(10.0**MOST_EXTENSIONS, at_edge=True)


def test_a_cell_whose_whole_grid_diverges_is_tried_with_smaller_learning_rates():
    accuracies = {0.001: 0.7, 0.0001: 0.6}
    scores, rounds = rounds_of(lambda trial: Score(accuracies.get(trial.lr, 0.0), trial.lr not in accuracies))
    assert [trials[0].lr for trials in rounds[1:-1]] == [0.001, 0.0001]
    assert choose(mean_accuracies(scores, "cell")) == Choice(0.001, at_edge=False)


def test_cells_are_tuned_together_and_each_is_extended_on_its_own():
    best = {"inside": 0.1, "above": 10.0, "below": 0.001}
    scores, rounds = rounds_of(lambda trial: peak_at(best[trial.cell])(trial), cells=tuple(best))
    assert {trial.cell for trial in rounds[0]} == set(best)
    assert {(trial.cell, trial.lr) for trial in rounds[1]} == {("above", 10.0), ("below", 0.001)}
    assert {cell: choose(mean_accuracies(scores, cell)).lr for cell in best} == best


def test_a_round_that_is_not_fully_scored_is_an_error():
    with pytest.raises(ValueError, match="shorter"):
        tune(["cell"], GRID, [1], lambda trials: [Score(0.5)])


def test_where_nothing_trains_larger_rates_are_tried_and_none_counts_as_best():
    scores, rounds = rounds_of(lambda trial: Score(0.1), guessing=0.2)
    assert [{trial.lr for trial in each} for each in rounds] == [set(GRID), {10.0}, {100.0}, {1000.0}, {10000.0}, set()]
    assert not choose(mean_accuracies(scores, "cell"), 0.2).at_edge


def test_a_rate_that_leaves_a_plateau_on_which_smaller_ones_stay_is_found():
    scores, rounds = rounds_of(lambda trial: Score(0.8 if trial.lr >= 10 else 0.1), guessing=0.2)
    assert {trial.lr for trial in rounds[1]} == {10.0}
    assert choose(mean_accuracies(scores, "cell"), 0.2).lr == 10.0


def test_where_every_rate_diverges_one_is_named_all_the_same():
    scores = {Trial("cell", lr, 1): Score(0.0, diverged=True) for lr in GRID}
    assert choices_of(["cell"], scores)["cell"] == Choice(0.01, at_edge=True)
