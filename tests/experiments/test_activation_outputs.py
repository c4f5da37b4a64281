import dataclasses
import pickle

import numpy as np
import pandas as pd
import pytest
import torch

from dlstudy.core.dataset import Split
from dlstudy.experiments.activation_outputs.images import (
    compare,
    confirm,
    facts_of,
    networks_of,
)
from dlstudy.experiments.activation_outputs.logits import collapse, product_of, silence
from dlstudy.experiments.activation_outputs.params import OutputsParams, PriceParams
from dlstudy.experiments.activation_outputs.variants import (
    CELLS,
    COLLAPSING,
    DEEP,
    SOFTMAX_REGRESSION,
    Cell,
    init_of,
    mixtures,
    recipe_of,
)
from dlstudy.tuning.jobs import score_job
from dlstudy.tuning.search import Choice, Score, Trial
from dlstudy.tuning.stacks import Images, Member, accuracies_on_test, accuracies_on_validation, train_stack

PRICE = PriceParams(hidden=(4,), batch_size=64, num_epochs=1, learning_rates=(0.03, 0.1, 0.3), tuning_seeds=(100,))
PARAMS = OutputsParams(
    width=8,
    batch_size=32,
    num_epochs=1,
    middle_depth=3,
    deep_depth=2,
    learning_rates=(0.003, 0.01, 0.03),
    adam_learning_rates=(0.001, 0.003, 0.01),
    tuning_seeds=(100, 101),
    num_deep_tuning_seeds=1,
    stack_size=2,
    longer=2,
    reached=0.8,
    price=PRICE,
)
SEEDS = (0, 1, 2)
NETWORKS = networks_of(PARAMS)
FAR_TOO_FAST = 1e30


@pytest.fixture(scope="module")
def pixels(images):
    return Images.of(images)


@pytest.fixture(scope="module")
def tables(images):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLSTUDY_PROCESSES", "2")
        return compare(images, PARAMS, SEEDS)


def recipe(network, variant):
    return recipe_of(Cell(network, variant), PARAMS)


# --- What is compared ---


def test_mixtures_differ_in_where_sigmoid_is():
    assert mixtures(4) == {
        "relu": ("relu", "relu", "relu", "relu"),
        "sigmoid": ("sigmoid", "sigmoid", "sigmoid", "sigmoid"),
        "sigmoid_first": ("sigmoid", "relu", "relu", "relu"),
        "sigmoid_last": ("relu", "relu", "relu", "sigmoid"),
        "alternating": ("sigmoid", "relu", "sigmoid", "relu"),
    }
    assert len(set(mixtures(3).values())) == 5  # the least depth at which no two are the same


def test_every_variant_differs_from_its_reference_in_one_thing():
    shallow, plain = recipe("shallow", "softmax"), recipe("deep", "plain")
    assert shallow.activations == ("relu",)
    assert recipe("shallow", "identity") == dataclasses.replace(shallow, activations=("identity",))
    assert recipe("shallow", "relu_logits") == dataclasses.replace(shallow, output="relu")
    assert recipe("shallow", "one_vs_rest") == dataclasses.replace(shallow, loss="binary_cross_entropy")
    assert plain.activations == ("sigmoid", "sigmoid")
    assert recipe("deep", "batch_norm") == dataclasses.replace(plain, batch_norm=True)
    assert recipe("deep", "adam") == dataclasses.replace(plain, optimiser="adam")
    assert recipe("deep", "longer") == dataclasses.replace(plain, num_epochs=2)
    assert recipe("deep", "xavier4") == plain
    assert recipe_of(SOFTMAX_REGRESSION, PARAMS).hidden == ()


def test_initial_weights_are_alike_within_a_comparison_but_for_the_rescue_by_them():
    assert {init_of(cell) for cell in CELLS if cell.network == "middle"} == {"he"}
    assert {init_of(cell) for cell in DEEP} == {"xavier", "xavier4"}
    assert [cell.variant for cell in DEEP if init_of(cell) == "xavier4"] == ["xavier4"]
    assert {init_of(Cell("shallow", name)) for name in ("softmax", "relu_logits", "one_vs_rest")} == {"he"}
    assert (init_of(COLLAPSING), init_of(SOFTMAX_REGRESSION)) == ("xavier", "zeros")


# --- Jobs ---


def test_trials_of_one_recipe_and_seed_are_one_stack():
    plain, wide, other = Cell("deep", "plain"), Cell("deep", "xavier4"), Cell("deep", "batch_norm")
    trials = [Trial(cell, lr, seed) for cell in (plain, wide, other) for lr in (0.1, 0.3) for seed in (100, 101)]
    jobs = NETWORKS.tuning_jobs(trials)
    assert sorted(len(job.trials) for job in jobs) == [2, 2, 4, 4]
    assert sorted(trial for job in jobs for trial in job.trials) == sorted(trials)
    assert all(len({trial.seed for trial in job.trials}) == 1 for job in jobs)
    assert all({recipe_of(trial.cell, PARAMS) for trial in job.trials} == {job.recipe} for job in jobs)


def test_every_cell_meets_every_seed_once_in_stacks_of_the_given_size():
    jobs = NETWORKS.confirming_jobs(dict.fromkeys(CELLS, Choice(0.1, at_edge=False)), SEEDS, 2)
    assert [len(job.trials) for job in jobs] == [2, 1] * len(CELLS)
    assert {(trial.cell, trial.seed) for job in jobs for trial in job.trials} == {
        (cell, seed) for cell in CELLS for seed in SEEDS
    }


def test_deep_networks_and_long_trainings_cost_most():
    cells = (SOFTMAX_REGRESSION, Cell("shallow", "softmax"), Cell("deep", "plain"), Cell("deep", "longer"))
    costs = [NETWORKS.job([Trial(cell, 0.1, 0)]).cost for cell in cells]
    assert costs == sorted(costs)
    assert len(set(costs)) == len(costs)


def test_a_score_is_the_validation_accuracy_of_its_own_trial(pixels):
    trials = [Trial(Cell("shallow", name), lr, 100) for name in ("softmax", "relu_logits") for lr in (0.03, 0.003)]
    found = NETWORKS.score_trials(pixels, "test", trials)
    for trial, score in zip(trials, found, strict=True):
        stack = train_stack(pixels, recipe_of(trial.cell, PARAMS), [Member(100, "he", trial.lr)])
        _, rows = pixels.division(100)
        right = stack.outputs(pixels.features[rows]).argmax(2)[0] == pixels.targets[rows]
        # alone and in a stack the products are summed otherwise: one image of 60 may change its class
        assert score.accuracy == pytest.approx(right.double().mean().item(), abs=1.01 / 60)


def test_a_trial_that_diverges_has_accuracy_0(pixels):
    cell = Cell("shallow", "softmax")
    job = NETWORKS.job([Trial(cell, FAR_TOO_FAST, 100), Trial(cell, 0.01, 100)])
    bad, good = score_job(pixels, job)
    assert bad == Score(0.0, diverged=True)
    assert not good.diverged


def test_trials_know_nothing_of_the_test_split(images, pixels):
    spoilt = Images.of(dataclasses.replace(images, test=Split(images.test.features * 0, images.test.targets * 0)))
    trials = [Trial(COLLAPSING, 0.01, 100)]
    assert NETWORKS.score_trials(spoilt, "test", trials) == NETWORKS.score_trials(pixels, "test", trials)


def test_a_network_that_diverges_has_a_row_that_says_so(pixels):
    job = NETWORKS.job([Trial(COLLAPSING, FAR_TOO_FAST, 0), Trial(COLLAPSING, 0.01, 1)])
    found = confirm(pixels, job)
    bad, good = found.rows
    assert bad == {"network": "shallow", "variant": "identity", "seed": 0} | {
        "diverged": True,
        "split": "test",
        "accuracy": 0.0,
    }
    assert not good["diverged"]
    assert [row["seed"] for row in found.collapse] == [1]


def test_images_travel_as_arrays_and_arrive_the_same(pixels):
    again = pickle.loads(pickle.dumps(pixels))
    assert (again.num_train, again.num_classes) == (pixels.num_train, pixels.num_classes)
    for name in ("features", "targets", "test_features", "test_targets"):
        assert torch.equal(getattr(again, name), getattr(pixels, name))
    assert pixels.arrays[0] is pixels.arrays[0]


# --- Looks ---


def test_the_product_of_layers_is_worked_out_by_hand():
    first = (torch.tensor([[1.0, 2.0], [0.0, 1.0]]).double(), torch.tensor([1.0, -1.0]).double())
    second = (torch.tensor([[3.0, 1.0]]).double(), torch.tensor([5.0]).double())
    weight, bias = product_of([first, second])
    assert weight.tolist() == [[3.0, 7.0]]
    assert bias.tolist() == [7.0]  # 3 * 1 + 1 * -1 + 5


def test_a_network_of_three_layers_collapses_but_for_rounding():
    draws = np.random.default_rng(0)
    layers = [
        tuple(torch.from_numpy(draws.standard_normal(shape)) for shape in ((num_outputs, num_inputs), (num_outputs,)))
        for num_inputs, num_outputs in ((20, 7), (7, 9), (9, 4))
    ]
    found = collapse(layers, torch.from_numpy(draws.standard_normal((50, 20))))
    assert 0 < found["relative_difference"] < 1e-14
    assert found["num_other_classes"] == 0


def test_dead_silent_and_never_predicted_are_three_things():
    logits = torch.tensor(
        [
            [0.0, 2.0, 0.0, 1.0],
            [0.0, 3.0, 0.0, 0.0],
            [0.0, 0.0, 0.0, 0.0],  # none above 0: the first class is predicted
            [0.0, 1.0, 0.0, 0.5],
        ]
    )
    assert silence(logits) == {"num_never_predicted": 2, "num_dead": 2, "share_silent": 0.25}


# --- The whole ---


def test_the_tables_have_their_columns_and_rows(tables):
    assert {name: list(table) for name, table in tables.items()} == {
        "tuning": ["network", "variant", "lr", "seed", "validation_accuracy", "diverged"],
        "chosen": ["network", "variant", "lr", "at_edge", "validation_accuracy"],
        "per_seed": ["network", "variant", "seed", "diverged", "split", "accuracy"],
        "collapse": ["seed", "relative_difference", "num_other_classes"],
        "logits": ["variant", "seed", "num_never_predicted", "num_dead", "share_silent"],
    }
    assert len(tables["per_seed"]) == len(CELLS) * len(SEEDS)
    assert len(tables["collapse"]) == len(SEEDS)
    assert tables["logits"]["variant"].tolist() == ["one_vs_rest"] * 3 + ["relu_logits"] * 3 + ["softmax"] * 3
    for name, keys in (("per_seed", ["network", "variant", "seed"]), ("tuning", ["network", "variant", "lr", "seed"])):
        pd.testing.assert_frame_equal(tables[name], tables[name].sort_values(keys, ignore_index=True))


def test_networks_with_several_hidden_layers_are_tuned_with_the_first_seeds_only(tables):
    seeds = tables["tuning"].groupby("network")["seed"].agg(set).to_dict()
    assert seeds == {"deep": {100}, "middle": {100}, "shallow": {100, 101}, "linear": {100, 101}}


def test_the_chosen_learning_rates_are_the_best_of_those_tried(tables):
    means = tables["tuning"].groupby(["network", "variant", "lr"], as_index=False)["validation_accuracy"].mean()
    for row in tables["chosen"].itertuples():
        tried = means[(means["network"] == row.network) & (means["variant"] == row.variant)]
        assert tried.set_index("lr")["validation_accuracy"].idxmax() == row.lr
        assert tried["validation_accuracy"].max() == pytest.approx(row.validation_accuracy, abs=1e-9)


@pytest.mark.parametrize("cell", [Cell("shallow", "one_vs_rest"), Cell("deep", "xavier4")])
def test_a_seed_is_scored_as_its_network_trained_apart(tables, pixels, cell):
    chosen = tables["chosen"].set_index(["network", "variant"])["lr"]
    members = [Member(seed, init_of(cell), chosen[cell]) for seed in (0, 1)]
    stack = train_stack(pixels, recipe_of(cell, PARAMS), members)
    rows = tables["per_seed"].set_index(["network", "variant", "seed"])["accuracy"]
    expected = accuracies_on_validation if cell in DEEP else accuracies_on_test
    assert [rows[(*cell, seed)] for seed in (0, 1)] == expected(stack, pixels)


def test_one_process_finds_what_two_find(tables, images, monkeypatch):
    monkeypatch.setenv("DLSTUDY_PROCESSES", "1")
    again = compare(images, PARAMS, SEEDS)
    for name, table in tables.items():
        pd.testing.assert_frame_equal(again[name], table, check_exact=True)


def test_the_facts_tell_the_protocol(images):
    facts = facts_of(images, PARAMS, SEEDS)
    assert facts["num_seeds"] == 3
    assert facts["num_examples"] == {"train": 200, "validation": 60, "test": 70}
    assert facts["mixtures"]["alternating"] == ("sigmoid", "relu", "sigmoid")
    assert "price" not in facts
