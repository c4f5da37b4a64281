import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LinearRegression
from sklearn.metrics import accuracy_score, log_loss
from torch.nn import functional as F  # noqa: N812 - PyTorch's own habit

from dlstudy.core.dataset import Split
from dlstudy.core.errors import StudyError
from dlstudy.core.randomness import generator
from dlstudy.experiments.losses.closed_form import CHUNK, least_squares_outputs, moments
from dlstudy.experiments.losses.comparison import (
    AGAIN,
    CELLS,
    CLOSED_FORM,
    REFERENCE,
    Cell,
    Outputs,
    compare,
    divided,
    handicapped,
    outputs_of_cell,
    run_seed,
    score_trial,
    scores_of,
    sgd_params,
    trained_outputs,
)
from dlstudy.experiments.losses.params import LossesParams
from dlstudy.sgd.loop import train_run
from dlstudy.training.calibration import fit_temperature
from dlstudy.tuning.search import Score, Trial

PARAMS = LossesParams(
    hidden=(8,),
    activation="relu",
    init="he",
    batch_size=32,
    num_epochs=1,
    learning_rates=(0.0003, 0.003, 0.03),
    tuning_seeds=(100,),
    handicap=0.1,
)
RATES = dict.fromkeys(CELLS, 0.003)
FAR_TOO_FAST = 1e9


def draw_split(num_images, shape, num_classes=3, seed=0):
    stream = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (num_images, *shape), generator=stream).to(torch.uint8)
    return Split(images, torch.randint(0, num_classes, (num_images,), generator=stream))


@pytest.fixture(scope="module")
def comparison(images):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLSTUDY_PROCESSES", "2")
        return compare(images, PARAMS, (0, 1))


# --- Least squares in closed form ---


def test_moments_are_the_exact_sums_over_all_chunks():
    split = draw_split(2 * CHUNK + 10, (5, 5))
    split.features[:CHUNK] = 255  # the largest sums that a chunk can have
    A = np.column_stack([split.features.flatten(1).numpy().astype(np.int64), np.ones(len(split), np.int64)])
    Y = np.eye(3, dtype=np.int64)[split.targets]
    inner, outer = moments(split, 3)
    assert np.array_equal(inner.numpy(), A.T @ A)
    assert np.array_equal(outer.numpy(), A.T @ Y)


def test_least_squares_agrees_with_scikit_learns_regression_on_one_hot_labels():
    train, test = draw_split(400, (3, 3)), draw_split(50, (3, 3), seed=1)
    model = LinearRegression().fit(train.features.flatten(1).double().numpy(), np.eye(3)[train.targets])
    (found,) = least_squares_outputs(train, (test,), 3)
    # Nine columns of random pixels have a condition number near 1e3, squared 1e6: times 1e-16, far below 1e-8.
    np.testing.assert_allclose(found.numpy(), model.predict(test.features.flatten(1).double().numpy()), atol=1e-8)


def test_least_squares_of_fewer_images_than_pixels_is_the_solution_of_least_norm(images):
    def columns(split):
        return np.column_stack([split.features.flatten(1).double().numpy(), np.ones(len(split))])

    weights = np.linalg.pinv(columns(images.train)) @ np.eye(10)[images.train.targets]
    (found,) = least_squares_outputs(images.train, (images.test,), 10)
    # The eigenvalues of A'A reach from 1e9 down to some 1e4, below which there is rounding only: 1e5 * 1e-16 * a few.
    np.testing.assert_allclose(found.numpy(), columns(images.test) @ weights, atol=1e-8)


def test_least_squares_survives_pixels_that_never_vary():
    train = draw_split(300, (3, 3))
    train.features[:, 0, 0] = 0
    train.features[:, 2, 2] = 7
    (found,) = least_squares_outputs(train, (train,), 3)
    model = LinearRegression().fit(train.features.flatten(1).double().numpy(), np.eye(3)[train.targets])
    np.testing.assert_allclose(found.numpy(), model.predict(train.features.flatten(1).double().numpy()), atol=1e-8)


# --- Trials and variants ---


@pytest.mark.parametrize("cell", CELLS)
def test_a_trial_is_scored_on_the_validation_split_of_its_own_division(images, cell):
    divisions = {100: divided(images, 100)}
    found = score_trial(divisions, PARAMS, Trial(cell, 0.003, 100))
    run = train_run(divided(images, 100), sgd_params(PARAMS, cell, 0.003), 100)
    assert found == Score(run.history[-1].validation.accuracy)


def test_a_trial_that_diverges_has_accuracy_0(images):
    trial = Trial(Cell("linear", "squared_error"), FAR_TOO_FAST, 100)
    assert score_trial({100: images}, PARAMS, trial) == Score(0.0, diverged=True)


def test_trials_know_nothing_of_the_test_split(images):
    spoilt = dataclasses.replace(images, test=Split(images.test.features * 0, images.test.targets * 0))
    trial = Trial(REFERENCE, 0.003, 100)
    assert score_trial({100: spoilt}, PARAMS, trial) == score_trial({100: images}, PARAMS, trial)


def test_linear_networks_start_from_zero_and_the_perceptron_from_its_initialiser():
    assert sgd_params(PARAMS, Cell("linear", "squared_error"), 0.1).init == "zeros"
    perceptron = sgd_params(PARAMS, Cell("mlp", "squared_error"), 0.1)
    assert (perceptron.init, perceptron.hidden, perceptron.loss) == ("he", (8,), "squared_error")


def test_the_repeat_shares_the_division_but_neither_weights_nor_order(images):
    division = divided(images, 3)
    again = outputs_of_cell(division, PARAMS, RATES, AGAIN, 3)
    expected = trained_outputs(division, sgd_params(PARAMS, REFERENCE, RATES[REFERENCE]), 1003)
    assert torch.equal(again.test, expected.test)
    assert not torch.equal(again.test, outputs_of_cell(division, PARAMS, RATES, REFERENCE, 3).test)


def test_every_variant_has_a_row_a_seed(images):
    found = run_seed(images, PARAMS, RATES, 3)
    assert {(row["network"], row["loss"]) for row in found.rows} == {*CELLS, AGAIN, CLOSED_FORM}
    assert {row["seed"] for row in found.rows} == {3}
    assert found.diverged == ()


@pytest.mark.parametrize("seed", [3, 4])
def test_a_seed_gives_every_variant_the_same_division_weights_and_order(images, seed):
    """The pairs of a comparison: each variant trained on its own here, from what the seed alone settles."""
    division = images.redivided(generator(seed, "split"))
    others = (division.validation, division.test)
    expected = {cell: trained_outputs(division, sgd_params(PARAMS, cell, RATES[cell]), seed) for cell in CELLS}
    expected[CLOSED_FORM] = Outputs(*least_squares_outputs(division.train, others, division.num_outputs))
    rows = {Cell(row["network"], row["loss"]): row for row in run_seed(images, PARAMS, RATES, seed).rows}
    for cell, outputs in expected.items():
        logits, classes = outputs.test.double(), division.test.targets
        # The same float64 arithmetic but for the order of the sum.
        assert rows[cell]["nll"] == pytest.approx(F.cross_entropy(logits, classes).item(), rel=1e-12), cell
        assert rows[cell]["temperature"] == fit_temperature(outputs.validation, division.validation.targets), cell


def test_another_seed_gives_another_division(images):
    first, second = (divided(images, seed).train.features for seed in (3, 4))
    assert not torch.equal(first, second)


def test_a_variant_that_diverges_is_named_and_has_no_row(images):
    cell = Cell("mlp", "squared_error")
    found = run_seed(images, PARAMS, RATES | {cell: FAR_TOO_FAST}, 3)
    assert found.diverged == ("mlp, squared_error, seed 3",)
    assert cell not in {(row["network"], row["loss"]) for row in found.rows}
    assert len(found.rows) == len(CELLS) + 1


def test_scores_agree_with_scikit_learns(images):
    stream = torch.Generator().manual_seed(0)
    outputs = Outputs(
        torch.randn(len(images.validation), 10, generator=stream), torch.randn(len(images.test), 10, generator=stream)
    )
    found = scores_of(images, outputs)
    classes, logits = images.test.targets.numpy(), outputs.test.double()
    assert found["test_accuracy"] == accuracy_score(classes, logits.argmax(1).numpy())
    # Two float64 means of 70 logarithms: equal but for a few last bits.
    assert found["nll"] == pytest.approx(log_loss(classes, logits.softmax(1).numpy()), rel=1e-12)
    scaled = (logits / found["temperature"]).softmax(1).numpy()
    assert found["nll_scaled"] == pytest.approx(log_loss(classes, scaled), rel=1e-12)


# --- The handicap ---


def test_the_handicap_spoils_exactly_its_share_of_all_and_only_what_was_right():
    which = torch.arange(1000) % 10 != 0  # 900 of 1000 right
    found = handicapped(which, 0.01, torch.Generator().manual_seed(0))
    assert int(found.sum()) == 890
    assert not (found & ~which).any()


def test_a_handicap_beyond_what_is_right_is_refused():
    with pytest.raises(StudyError, match=r"expected at most the share that is classified right, 0\.2, found 0\.5"):
        handicapped(torch.arange(10) < 2, 0.5, torch.Generator().manual_seed(0))


def test_the_handicapped_control_is_the_repeat_less_the_handicap(comparison, images):
    table = comparison.tables["controls"].pivot(index="seed", columns="variant", values="test_accuracy")
    num_test = len(images.test)
    assert (round(table["again"] * num_test) - round(table["handicapped"] * num_test) == round(0.1 * num_test)).all()


# --- The whole ---


def test_the_tables_have_their_columns(comparison):
    assert {name: list(table) for name, table in comparison.tables.items()} == {
        "tuning": ["network", "loss", "lr", "seed", "validation_accuracy", "diverged"],
        "chosen": ["network", "loss", "lr", "at_edge"],
        "per_seed": [
            *("network", "loss", "seed", "test_accuracy"),
            *("nll", "ece", "temperature", "nll_scaled", "ece_scaled"),
        ],
        "controls": ["variant", "seed", "test_accuracy"],
    }


def test_the_chosen_learning_rates_are_the_best_of_those_tried(comparison):
    tuning, chosen = comparison.tables["tuning"], comparison.tables["chosen"]
    means = tuning.groupby(["network", "loss", "lr"], as_index=False)["validation_accuracy"].mean()
    best = means.sort_values(["validation_accuracy", "lr"], ascending=[False, True]).drop_duplicates(
        ["network", "loss"]
    )
    pairs = chosen.merge(best, on=["network", "loss"])
    assert len(pairs) == len(CELLS)
    assert (pairs["lr_x"] == pairs["lr_y"]).all()


def test_the_control_is_scored_as_the_comparison_is(comparison):
    per_seed, controls = comparison.tables["per_seed"], comparison.tables["controls"]
    for loss in ("cross_entropy", "again"):
        of_loss = per_seed[(per_seed["network"] == "mlp") & (per_seed["loss"] == loss)]
        assert of_loss["test_accuracy"].tolist() == controls[controls["variant"] == loss]["test_accuracy"].tolist()


def test_one_process_finds_what_two_find(comparison, images, monkeypatch):
    monkeypatch.setenv("DLSTUDY_PROCESSES", "1")
    again = compare(images, PARAMS, (0, 1))
    assert again.facts == comparison.facts
    for name, table in comparison.tables.items():
        pd.testing.assert_frame_equal(again.tables[name], table, check_exact=True)
