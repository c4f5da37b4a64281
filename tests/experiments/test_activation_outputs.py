import dataclasses
import pickle

import numpy as np
import pandas as pd
import pytest
import torch

from dlstudy.core.base.errors import StudyError
from dlstudy.experiments.activation_outputs.logits import collapse, confirming_job, product_of, silence
from dlstudy.experiments.activation_outputs.params import OutputsParams, PriceParams
from dlstudy.experiments.activation_outputs.run import (
    RESCUES,
    Cell,
    compare,
    facts_of,
    init_of,
    mixtures,
    networks_of,
    recipe_of,
    rungs_of,
)
from dlstudy.tuning.jobs import Memo, Networks
from dlstudy.tuning.rungs import Configuration, RungTrial
from dlstudy.tuning.stacks import Member, scores_on_test, scores_on_validation, train_stack

PRICE = PriceParams(hidden=(4,), batch_size=64, num_epochs=1, learning_rates=(0.0316, 0.1, 0.316), tuning_seeds=(100,))
PARAMS = OutputsParams(
    budgets=(1.0, 2.0),
    width=8,
    batch_size=32,
    middle_depth=3,
    deep_depth=2,
    learning_rates=(0.00316, 0.01, 0.0316),
    adam_learning_rates=(0.001, 0.00316, 0.01),
    tuning_seeds=(100, 101),
    seeds=(30, 31, 32),
    stack_size=2,
    reached=0.8,
    price=PRICE,
)
SHORT, LONG = rungs_of(PARAMS.budgets)
NAMES = {(cell.network, cell.variant) for cell in SHORT}
FAR_TOO_FAST = 120  # a step on the grid of learning rates: 10^30


@pytest.fixture(scope="module")
def tables(pixels, memo):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLSTUDY_PROCESSES", "2")
        return compare(pixels, memo, PARAMS)


def recipe(network, variant, budget=1.0):
    return recipe_of(Cell(network, variant, budget), PARAMS)


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
    assert recipe("shallow", "squared_error") == dataclasses.replace(shallow, loss="squared_error")
    assert recipe("shallow", "tanh") == dataclasses.replace(shallow, loss="squared_error", output="tanh")
    assert plain.activations == ("sigmoid", "sigmoid")
    assert recipe("deep", "batch_norm") == dataclasses.replace(plain, batch_norm=True)
    assert recipe("deep", "adam") == dataclasses.replace(plain, optimiser="adam")
    assert recipe("deep", "xavier4") == plain
    assert recipe("deep", "plain", 2.0) == dataclasses.replace(plain, num_epochs=2.0)


def test_initial_weights_are_alike_within_a_comparison_but_for_the_rescue_by_them():
    inits = {network: {init_of(cell) for cell in SHORT if cell.network == network} for network, _ in NAMES}
    assert inits == {"shallow": {"he", "xavier"}, "middle": {"he"}, "deep": {"xavier", "xavier4"}}
    assert [cell.variant for cell in SHORT if init_of(cell) == "xavier4"] == ["xavier4"]
    assert {cell.variant for cell in SHORT if cell.network == "shallow" and init_of(cell) == "xavier"} == {"identity"}
    assert {recipe_of(cell, PARAMS).output_init for cell in SHORT} == {"pytorch"}


def test_all_but_the_rescues_are_trained_at_every_budget():
    assert {(cell.network, cell.variant) for cell in LONG} == NAMES - {("deep", name) for name in RESCUES}
    assert {cell.budget for cell in LONG} == {2.0}


# --- Jobs ---


def test_trials_know_nothing_of_the_test_split(scores_without_test):
    trial = RungTrial(Cell("shallow", "tanh", 1.0), Configuration("he", -8), 100)
    known, unknown = scores_without_test(lambda images, memo: networks_of(images, memo, PARAMS), trial)
    assert known == unknown


def test_a_network_that_diverges_has_a_row_that_says_so_and_is_not_looked_at(pixels, memo):
    cell = Cell("shallow", "identity", 1.0)
    trials = [RungTrial(cell, Configuration("xavier", step), seed) for step, seed in ((FAR_TOO_FAST, 30), (-8, 31))]
    bad, good = confirming_job(pixels, networks_of(pixels, memo, PARAMS).job(trials))
    assert list(bad) == ["per_seed"]
    assert (bad["per_seed"]["diverged"], bad["per_seed"]["test_accuracy"]) == (True, 0.0)
    assert not good["per_seed"]["diverged"]
    assert list(good) == ["per_seed", "collapse"]


def test_images_travel_as_arrays_and_arrive_the_same(pixels):
    again = pickle.loads(pickle.dumps(pixels))
    assert (again.num_train, again.num_classes) == (pixels.num_train, pixels.num_classes)
    for found, expected in ((again.pool, pixels.pool), (again.test, pixels.test)):
        assert torch.equal(found.features, expected.features)
        assert torch.equal(found.targets, expected.targets)
    assert pixels.pool.arrays[0] is pixels.pool.arrays[0]


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
    place = ["network", "variant", "budget"]
    scores = ["validation_accuracy", "validation_loss"]
    assert {name: list(table) for name, table in tables.items()} == {
        "tuning": [*place, "init", "lr", "seed", *scores, "diverged"],
        "chosen": [*place, "init", "lr", "at_edge", "trains", "num_configurations", "validation_accuracy"],
        "per_seed": [*place, "seed", "diverged", *scores, "test_accuracy"],
        "collapse": [*place, "seed", "relative_difference", "num_other_classes"],
        "logits": [*place, "seed", "num_never_predicted", "num_dead", "share_silent"],
    }
    assert len(tables["chosen"]) == len(SHORT) + len(LONG)
    assert len(tables["per_seed"]) == len(PARAMS.seeds) * len(tables["chosen"])
    assert len(tables["collapse"]) == len(PARAMS.seeds) * 2
    assert set(tables["logits"]["variant"]) == {"softmax", "relu_logits", "one_vs_rest", "squared_error", "tanh"}
    for name in ("per_seed", "collapse", "logits"):
        pd.testing.assert_frame_equal(tables[name], tables[name].sort_values([*place, "seed"], ignore_index=True))


@pytest.mark.parametrize(("table", "kind"), [("collapse", "without an activation"), ("logits", "with an activation")])
def test_a_kind_of_which_all_diverge_is_named_with_the_rates(pixels, memo, tables, monkeypatch, table, kind):
    confirmed = Networks.confirmed

    def without(*arguments):
        return [(trial, row) for trial, row in confirmed(*arguments) if table not in row]

    monkeypatch.setattr(Networks, "confirmed", without)
    expected = rf"^experiments\.activation_outputs\.learning_rates: .* {kind} do not all diverge, found \[0\.00316, "
    with pytest.raises(StudyError, match=expected):
        compare(pixels, memo, PARAMS)


def test_the_chosen_learning_rates_are_the_best_of_those_tried_wherever_anything_trains(tables):
    keys = ["network", "variant", "budget", "lr"]
    means = tables["tuning"].groupby(keys)["validation_accuracy"].mean()
    living = tables["chosen"][tables["chosen"]["trains"]]
    assert len(living) > len(tables["chosen"]) / 2
    for row in living.itertuples():
        tried = means.loc[row.network, row.variant, row.budget]
        assert tried[row.lr] == tried.max() == pytest.approx(row.validation_accuracy, abs=1e-9)
        assert not row.at_edge
        assert tried.index.min() < row.lr < tried.index.max()


@pytest.mark.parametrize("cell", [Cell("shallow", "one_vs_rest", 2.0), Cell("deep", "xavier4", 1.0)])
def test_a_seed_is_scored_as_its_network_trained_apart(tables, pixels, cell):
    chosen = tables["chosen"].set_index(["network", "variant", "budget"])["lr"]
    members = [Member(seed, init_of(cell), chosen[cell]) for seed in (30, 31)]
    stack = train_stack(pixels, recipe_of(cell, PARAMS), members)
    rows = tables["per_seed"].set_index(["network", "variant", "budget", "seed"])
    for column, scored in (("test_accuracy", scores_on_test), ("validation_accuracy", scores_on_validation)):
        accuracies = [score.accuracy for score in scored(stack, pixels)]
        assert [rows.loc[(*cell, seed), column] for seed in (30, 31)] == accuracies


@pytest.mark.slow  # other experiments are asked in `make test`
def test_one_process_finds_what_two_find(tables, pixels, tmp_path, monkeypatch):
    monkeypatch.setenv("DLSTUDY_PROCESSES", "1")
    again = compare(pixels, Memo.of(tmp_path / "none", pixels), PARAMS)
    for name, table in tables.items():
        pd.testing.assert_frame_equal(again[name], table, check_exact=True)


def test_the_facts_tell_the_protocol_features_and_sizes(images, houses):
    facts = facts_of(images, houses, PARAMS)
    assert facts["num_seeds"] == 3
    assert facts["budgets"] == (1.0, 2.0)
    assert facts["num_examples"] == {"train": 200, "validation": 60, "test": 70}
    assert facts["mixtures"]["alternating"] == ("sigmoid", "relu", "sigmoid")
    assert facts["price"]["num_examples"] == {"train": 1758, "validation": 586, "test": 586}
    assert facts["price"]["features"] == ["area (square feet)", "age (years)"]
    assert facts["price"]["num_epochs"] == 1
