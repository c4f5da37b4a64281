import pandas as pd
import pytest
import torch

from dlstudy.experiments.sweep.cells import Cell, networks_of, recipe, sweep
from dlstudy.experiments.sweep.params import SweepProtocol
from dlstudy.tuning.search import Trial
from dlstudy.tuning.stacks import Images, Member, accuracies_on_test, train_stack

PROTOCOL = SweepProtocol.model_validate(
    {
        "cells": {"matching": [1, 4, 8, 16], "pytorch": [1, 4, 8]},
        "width": 8,
        "batch_size": 20,
        "num_epochs": 2,
        "learning_rates": [0.03, 0.1, 0.3],
        "tuning_seeds": [100, 101],
        "stack_size": 2,
        "num_looks": 3,
        "look_images": 20,
    }
)
SEEDS = (0, 1, 2)


@pytest.fixture(scope="module")
def tables(images):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLSTUDY_PROCESSES", "1")
        return sweep(images, "relu", PROTOCOL, SEEDS)


def test_every_cell_is_trained_with_every_seed_in_sorted_order(tables):
    rows = tables["per_seed"][["depth", "init", "seed"]]
    cells = [(depth, init) for init, depths in PROTOCOL.cells.items() for depth in depths]
    assert list(rows.itertuples(index=False, name=None)) == sorted((*cell, seed) for cell in cells for seed in SEEDS)
    looks = tables["looks"]
    assert (looks.groupby(["depth", "init", "seed"]).size() == PROTOCOL.num_looks).all()


def test_the_chosen_rate_has_the_best_mean_validation_accuracy_of_the_tuning_seeds(tables):
    means = tables["tuning"].groupby(["depth", "init", "lr"])["validation_accuracy"].mean()
    assert set(tables["tuning"]["seed"]) == {100, 101}
    for row in tables["chosen"].itertuples():
        of_cell = means.loc[row.depth, row.init]
        if not tables["tuning"].query("depth == @row.depth and init == @row.init")["diverged"].any():
            assert of_cell[row.lr] == pytest.approx(of_cell.max())
        assert row.num_rates == len(of_cell) >= 3
        assert row.at_edge == (row.lr in (of_cell.index.min(), of_cell.index.max()))
        trained = tables["per_seed"].query("depth == @row.depth and init == @row.init")
        assert set(trained["lr"]) == {row.lr}


def test_a_row_is_what_training_that_network_alone_gives(tables, images):
    pixels = Images.of(images)
    row = tables["per_seed"].query("depth == 4 and init == 'matching' and seed == 1").iloc[0]
    stack, _ = train_stack(pixels, recipe("relu", 4, PROTOCOL), [Member(1, "he", row["lr"])])
    # alone, products have other shapes, and sums another order: a few of 70 test images may change sides
    assert row["test_accuracy"] == pytest.approx(accuracies_on_test(stack, pixels)[0], abs=0.06)


@pytest.mark.parametrize(("activation", "init"), [("tanh", "xavier"), ("gelu", "he")])
def test_the_matching_initialiser_is_that_of_the_activation(activation, init):
    networks = networks_of(activation, PROTOCOL)
    assert [networks.init_of(Cell(1, name)) for name in ("matching", "pytorch")] == [init, "pytorch"]


def test_cells_of_the_same_recipe_are_tuned_apart():
    trials = [Trial(Cell(1, init), lr, 100) for init in ("matching", "pytorch") for lr in (0.1, 0.3)]
    jobs = networks_of("relu", PROTOCOL).tuning_jobs(trials)
    assert [job.trials for job in jobs] == [tuple(trials[:2]), tuple(trials[2:])]


def test_a_network_that_diverges_is_recorded_as_such_without_numbers_that_are_none(images):
    wild = PROTOCOL.model_copy(update={"learning_rates": (1e15, 1e16, 1e17), "cells": {"matching": (4,)}})
    tables = sweep(images, "relu", wild, SEEDS)
    assert tables["tuning"]["diverged"].any()
    lost = tables["per_seed"][tables["per_seed"]["diverged"]]
    assert (lost[["validation_accuracy", "test_accuracy"]] == 0).all(axis=None)
    assert not any(table.isna().any(axis=None) for table in tables.values())


@pytest.mark.parametrize("processes", ["1", "2"])
def test_the_number_of_processes_changes_no_value(images, tables, monkeypatch, processes):
    monkeypatch.setenv("DLSTUDY_PROCESSES", processes)
    again = sweep(images, "relu", PROTOCOL, SEEDS)
    for name, table in tables.items():
        pd.testing.assert_frame_equal(again[name], table, check_exact=True)


def test_another_activation_sees_the_same_division_and_draws(images):
    pixels = Images.of(images)
    seen = [
        train_stack(pixels, recipe(name, 1, PROTOCOL), [Member(3, "pytorch", 1e-9)])[0].layers[0].weight
        for name in ("relu", "tanh")
    ]
    torch.testing.assert_close(seen[0], seen[1], rtol=0, atol=1e-6)  # hardly moved from where they were drawn
