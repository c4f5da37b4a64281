import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LinearRegression
from sklearn.metrics import accuracy_score, log_loss
from torch.nn import functional as F  # noqa: N812 - PyTorch's own habit

from dlstudy.core.base.dataset import Split
from dlstudy.core.base.errors import StudyError
from dlstudy.core.base.randomness import generator
from dlstudy.core.calibration import fit_temperature
from dlstudy.experiments.losses.params import LossesParams
from dlstudy.experiments.losses.run import (
    CHUNK,
    NAMES,
    Cell,
    closed_form_row,
    compare,
    least_squares_outputs,
    moments,
    networks_of,
)
from dlstudy.experiments.losses.scores import Outputs, handicapped, scores_of, scoring_job
from dlstudy.tuning.jobs import Memo, Networks
from dlstudy.tuning.rungs import Configuration, RungTrial

PARAMS = LossesParams(
    budgets=(1.0, 2.0),
    hidden=(8,),
    activation="relu",
    init="he",
    batch_size=32,
    learning_rates=(0.001, 0.00316, 0.01),
    tuning_seeds=(100,),
    again_tuning_seeds=(200,),
    seeds=(30, 31),
    stack_size=2,
    handicap=0.1,
)
FAR_TOO_FAST = 120  # a step on the grid of learning rates: 10^30
CELLS = [Cell(*names, budget) for names in NAMES for budget in PARAMS.budgets]


def draw_split(num_images, shape, num_classes=3, seed=0):
    stream = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (num_images, *shape), generator=stream).to(torch.uint8)
    return Split(images, torch.randint(0, num_classes, (num_images,), generator=stream))


@pytest.fixture(scope="module")
def comparison(images, pixels, memo):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLSTUDY_PROCESSES", "2")
        return compare(images, pixels, memo, PARAMS)


def job_of(pixels, cell, *trials):
    """A stack of one cell, of (step of the learning rate, seed)."""
    init = "he" if cell.network == "mlp" else "zeros"
    return networks_of(pixels, None, PARAMS).job(
        [RungTrial(cell, Configuration(init, step), seed) for step, seed in trials]
    )


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


# --- Networks ---


def test_networks_of_a_comparison_differ_in_the_loss_alone(pixels):
    for network, hidden in (("mlp", (8,)), ("linear", ())):
        jobs = [job_of(pixels, Cell(network, loss, 2.0), (-8, 30)) for loss in ("cross_entropy", "squared_error")]
        assert jobs[0].recipe.loss == "cross_entropy"
        assert jobs[1].recipe == dataclasses.replace(jobs[0].recipe, loss="squared_error")
        assert jobs[0].members == jobs[1].members
        assert (jobs[0].recipe.hidden, jobs[0].recipe.num_epochs) == (hidden, 2.0)


def test_the_control_has_the_recipe_and_the_data_of_the_reference_but_other_weights(pixels):
    reference, again = (job_of(pixels, Cell("mlp", loss, 1.0), (-8, 30)) for loss in ("cross_entropy", "again"))
    assert reference.recipe == again.recipe
    assert again.members[0]._replace(weights="weights") == reference.members[0] != again.members[0]


@pytest.mark.parametrize("cell", CELLS)
def test_a_row_has_the_scores_of_its_own_network_and_division(comparison, images, pixels, cell):
    chosen = comparison["chosen"].set_index(["network", "loss", "budget"])["lr"][cell]
    step = round(4 * np.log10(chosen))
    stack = job_of(pixels, cell, (step, 30), (step, 31)).trained(pixels)
    rows = comparison["per_seed"].set_index(["network", "loss", "budget", "seed"])
    for place, seed in enumerate(PARAMS.seeds):
        division = images.redivided(generator(seed, "split"))
        validation, test = (  # pixels are standardised by the scale of the prepared training split, whatever the seed
            stack.outputs(images.standardised(split).features)[place].detach()
            for split in (division.validation, division.test)
        )
        row, classes = rows.loc[(*cell, seed)], division.test.targets
        assert row["test_accuracy"] == accuracy_score(classes, test.argmax(1))
        # float32 outputs of parts of another size, summed in another order
        assert row["nll"] == pytest.approx(F.cross_entropy(test.double(), classes).item(), rel=1e-5)
        temperature = fit_temperature(validation, division.validation.targets)
        assert row["temperature"] == pytest.approx(temperature, rel=1e-4)


def test_least_squares_in_closed_form_is_that_of_the_seeds_division(images):
    division = images.redivided(generator(30, "split"))
    (test,) = least_squares_outputs(division.train, (division.test,), division.num_outputs)
    row = closed_form_row(images, 30)
    assert row["test_accuracy"] == accuracy_score(division.test.targets, test.argmax(1))
    assert {key: row[key] for key in ("network", "loss", "budget", "seed")} == {
        "network": "linear",
        "loss": "closed_form",
        "budget": 0.0,
        "seed": 30,
    }


def test_a_network_that_diverges_has_no_scores(pixels):
    bad, good = scoring_job(
        None, pixels, job_of(pixels, Cell("mlp", "squared_error", 1.0), (FAR_TOO_FAST, 30), (-8, 31))
    )
    assert bad == {}
    assert "handicapped" not in good
    assert 0 < good["test_accuracy"] < 1


def test_trials_know_nothing_of_the_test_split(scores_without_test):
    trial = RungTrial(Cell("mlp", "squared_error", 1.0), Configuration("he", -8), 100)
    known, unknown = scores_without_test(lambda images, memo: networks_of(images, memo, PARAMS), trial)
    assert known == unknown


def test_scores_agree_with_scikit_learns(images):
    stream = torch.Generator().manual_seed(0)
    outputs = Outputs(
        torch.randn(len(images.validation), 10, generator=stream), torch.randn(len(images.test), 10, generator=stream)
    )
    found = scores_of(outputs, images.validation.targets, images.test.targets)
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
    table = comparison["controls"].pivot(index=["budget", "seed"], columns="variant", values="test_accuracy")
    num_test = len(images.test)
    assert (round(table["again"] * num_test) - round(table["handicapped"] * num_test) == round(0.1 * num_test)).all()


@pytest.mark.parametrize("loss", ["cross_entropy", "again"])
def test_a_control_that_diverges_with_every_seed_is_an_error_that_names_the_rates(
    images, pixels, memo, comparison, monkeypatch, loss
):
    confirmed = Networks.confirmed

    def without_one(*arguments, **options):
        found = confirmed(*arguments, **options)
        return [(trial, {} if trial.place == Cell("mlp", loss, 2.0) else row) for trial, row in found]

    monkeypatch.setattr(Networks, "confirmed", without_one)
    expected = (
        r"^experiments\.losses\.learning_rates: .* in 2 epochs, found \[0\.001, 0\.00316, 0\.01\]: .* add smaller ones$"
    )
    with pytest.raises(StudyError, match=expected):
        compare(images, pixels, memo, PARAMS)


# --- The whole ---


def test_the_tables_have_their_columns_and_rows(comparison):
    place = ["network", "loss", "budget"]
    assert {name: list(table) for name, table in comparison.items() if name != "facts"} == {
        "tuning": [*place, "init", "lr", "seed", "validation_accuracy", "validation_loss", "diverged"],
        "chosen": [*place, "init", "lr", "at_edge", "trains", "num_configurations", "validation_accuracy"],
        "per_seed": [*place, "seed", "test_accuracy", "nll", "ece", "temperature", "nll_scaled", "ece_scaled"],
        "controls": ["variant", "budget", "seed", "test_accuracy"],
    }
    assert len(comparison["chosen"]) == len(CELLS)
    assert len(comparison["per_seed"]) == (len(CELLS) + 1) * len(PARAMS.seeds)
    assert len(comparison["controls"]) == 3 * 2 * len(PARAMS.seeds)
    assert comparison["facts"]["diverged"] == []


def test_the_control_is_tuned_with_seeds_of_its_own(comparison):
    tuning = comparison["tuning"]
    assert tuning.groupby("loss")["seed"].agg(set).to_dict() == {
        "again": {200},
        "cross_entropy": {100},
        "squared_error": {100},
    }


def test_the_control_is_scored_as_the_comparison_is(comparison):
    per_seed, controls = comparison["per_seed"], comparison["controls"]
    for loss in ("cross_entropy", "again"):
        of_loss = per_seed[(per_seed["network"] == "mlp") & (per_seed["loss"] == loss)]
        assert of_loss["test_accuracy"].tolist() == controls[controls["variant"] == loss]["test_accuracy"].tolist()


def test_one_process_finds_what_two_find(comparison, images, pixels, tmp_path, monkeypatch):
    monkeypatch.setenv("DLSTUDY_PROCESSES", "1")
    again = compare(images, pixels, Memo.of(tmp_path / "none", pixels), PARAMS)
    assert list(again) == list(comparison)
    assert again.pop("facts") == comparison["facts"]
    for name, table in again.items():
        pd.testing.assert_frame_equal(table, comparison[name], check_exact=True)
