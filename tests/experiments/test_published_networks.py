from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from dlstudy.core.base.randomness import generator
from dlstudy.core.networks import build_network, initialise
from dlstudy.experiments.published_networks.params import (
    PublishedNetworksParams,
    TableNetwork,
    TableParams,
    TutorialParams,
    TutorialRun,
)
from dlstudy.experiments.published_networks.run import (
    as_the_tutorial_has_them,
    facts,
    run_row,
    stopping_epoch,
    train,
    train_all,
    train_cell,
    train_run,
    validation_scores,
)
from dlstudy.tuning.stacks import Images, Member, Recipe, Stack, scores_on_test, train_stack

SIGMOID, FLAX, RELU = (
    TutorialRun(activation="sigmoid", init="pytorch"),
    TutorialRun(activation="sigmoid", init="lecun"),
    TutorialRun(activation="relu", init="pytorch"),
)
TABLE = TableParams(
    networks=(TableNetwork(hidden=(8,), num_epochs=2), TableNetwork(hidden=(8, 6), num_epochs=2)),
    activations=("relu", "tanh"),
    init="xavier",
    lr=0.01,
    batch_size=32,
    num_seeds=2,
)
TUTORIAL = TutorialParams(
    hidden=(24, 16, 12),
    runs=(SIGMOID, FLAX, RELU),
    lr=0.05,
    momentum=0.9,
    batch_size=32,
    max_epochs=3,
    patience=1,
    num_seeds=2,
    num_images=50,
)
PARAMS = PublishedNetworksParams(table=TABLE, tutorial=TUTORIAL)
SEEDS = (3, 4, 5)


@pytest.fixture(scope="module")
def tables(images):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLSTUDY_PROCESSES", "2")
        return train_all(images, PARAMS, SEEDS)


# --- The whole ---


def test_the_tables_have_their_columns_and_rows(tables):
    names = ["hidden", "activation"]
    assert {name: list(table) for name, table in tables.items()} == {
        "table": [*names, "seed", "test_accuracy"],
        "table_epochs": [*names, "init", "seed", "epoch", "validation_loss", "validation_accuracy"],
        "tutorial": [
            *("activation", "init", "seed", "num_epochs", "begins", "stops"),
            *("validation_accuracy", "test_accuracy"),
        ],
        "tutorial_epochs": [*names, "init", "seed", "epoch", "validation_loss", "validation_accuracy"],
        "tutorial_signals": [
            *("activation", "init", "layer", "predicted", "measured"),
            *("predicted_ratio", "ratio", "ratio_low", "ratio_high"),
        ],
    }
    assert tables["table"].groupby(["hidden", "activation"])["seed"].apply(list).tolist() == [[3, 4]] * 4
    assert set(tables["table"]["hidden"]) == {"8", "8-6"}
    assert tables["table_epochs"].groupby(["hidden", "activation", "seed"])["epoch"].apply(list).tolist() == [
        [0, 1, 2]
    ] * (4 * 2)
    assert tables["tutorial_signals"]["layer"].tolist() == [1, 2] * 3  # of three hidden layers


def test_one_process_finds_what_two_find(tables, images, monkeypatch):
    monkeypatch.setenv("DLSTUDY_PROCESSES", "1")
    for name, table in train_all(images, PARAMS, SEEDS).items():
        pd.testing.assert_frame_equal(table, tables[name], check_exact=True)


def test_the_facts_say_how_many_seeds_there_were_and_how_large_the_weights_are(images):
    told = facts(images, PARAMS, (3,))
    assert told["table"]["num_seeds"] == told["tutorial"]["num_seeds"] == 1
    assert told["gains"]["pytorch"] == pytest.approx([1 / 3] * 4)  # a uniform draw within 1/sqrt(n): 1/(3 n) times n
    assert told["gains"]["lecun"] == pytest.approx([1.0] * 4)
    assert told["learning_above"] == 0.2


# --- The table ---


def test_a_network_of_the_table_is_trained_by_adam_with_every_seed(tables, images):
    recipe = Recipe((8,), ("relu",), 32, 2, optimiser="adam", decay=False)
    stack = train_stack(Images.of(images), recipe, [Member(seed, "xavier", 0.01) for seed in (3, 4)])
    rows = tables["table"].query("hidden == '8' and activation == 'relu'")
    assert rows["test_accuracy"].tolist() == [score.accuracy for score in scores_on_test(stack, Images.of(images))]


def test_what_is_chosen_knows_nothing_of_the_test_split(images):
    spoilt = replace(images, test=replace(images.test, features=images.test.features * 0))
    found, again = (train_cell(data, TABLE, (3,), ((8,), "relu"), 2) for data in (images, spoilt))
    assert found.epochs == again.epochs


# --- Training ---


def test_validation_scores_are_those_of_each_members_own_split(images):
    pixels, members = Images.of(images), [Member(3, "he", 0.1), Member(4, "he", 0.1)]
    stack = Stack.new(Recipe((8,), ("relu",), 32, 1), members, 784, 10)
    for place, (member, found) in enumerate(zip(members, validation_scores(stack, pixels), strict=True)):
        split = images.redivided(generator(member.seed, "split")).validation
        features = (split.features.flatten(1).double() - images.feature_scale.mean) / images.feature_scale.std
        outputs = stack.outputs(features.float())[place].detach()
        assert found.loss == pytest.approx(nn.functional.cross_entropy(outputs, split.targets).item(), rel=1e-5)
        assert found.accuracy == (outputs.argmax(1) == split.targets).double().mean().item()


def test_training_ends_when_it_is_good_enough_and_else_goes_on(images):
    recipe, members = Recipe((24,), ("relu",), 32, 6, decay=False), [Member(3, "he", 0.05)]
    all_epochs = train(Images.of(images), recipe, members).epochs
    assert len(all_epochs) == 7  # with epoch 0
    curve = [scores.accuracy for (scores,) in all_epochs]
    enough = curve[2] - 1e-9
    first = next(epoch for epoch, accuracy in enumerate(curve) if accuracy > enough)
    assert train(Images.of(images), recipe, members, enough=enough).epochs == all_epochs[: first + 1]


# --- The tutorial ---


def test_pixels_are_as_the_tutorials_transform_makes_them(images):
    scaled = as_the_tutorial_has_them(images)
    found = scaled.standardised(scaled.train).features
    expected = (images.train.features.flatten(1).float() / 255 - 0.5) / 0.5
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)  # float32


def test_a_run_is_the_textbooks_loop_with_momentum(images):
    found = train_run(images, TUTORIAL.model_copy(update={"max_epochs": 1}), RELU, 3)
    scaled = as_the_tutorial_has_them(images).redivided(generator(3, "split"))
    scaled = as_the_tutorial_has_them(scaled)
    train_split, validation = scaled.standardised(scaled.train), scaled.standardised(scaled.validation)
    network = build_network(784, (24, 16, 12), 10, activation="relu")
    initialise(network, "pytorch", generator(3, "weights"))
    optimiser = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    for chosen in torch.randperm(200, generator=generator(3, "minibatches")).split(32):
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(train_split.features[chosen]), train_split.targets[chosen]).backward()
        optimiser.step()
    expected = nn.functional.cross_entropy(network(validation.features), validation.targets).item()
    (scores,) = found.epochs[1]
    assert scores.loss == pytest.approx(expected, rel=1e-4)  # float32, seven steps


def test_theory_agrees_with_what_is_measured(images):
    wide = TUTORIAL.model_copy(update={"hidden": (256, 256, 256), "runs": (SIGMOID, FLAX)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLSTUDY_PROCESSES", "1")
        tiny = PARAMS.model_copy(update={"tutorial": wide.model_copy(update={"max_epochs": 1})})
        signals = train_all(images, tiny, (3, 4))["tutorial_signals"]
    # of order 1/width, here 1/256, for each layer that the signal has passed
    np.testing.assert_allclose(signals["ratio"], signals["predicted_ratio"], rtol=0.05)
    first = signals[signals["layer"] == 1].set_index("init")["measured"]
    assert first["lecun"] > 2 * first["pytorch"]


def the_tutorials_loop(accuracies, patience):
    """Its rule, written as its notebook does: lists and a break."""
    val_scores, best_val_epoch = [], -1
    for epoch, accuracy in enumerate(accuracies):
        val_scores.append(accuracy)
        if len(val_scores) == 1 or accuracy > val_scores[best_val_epoch]:
            best_val_epoch = epoch
        elif best_val_epoch <= epoch - patience:
            break
    else:
        return 0
    return len(val_scores)


def test_a_training_stops_when_the_best_epoch_is_long_ago():
    assert stopping_epoch([0.1] * 20, patience=7) == 8
    assert stopping_epoch([0.1] * 7, patience=7) == 0
    assert stopping_epoch([0.1, 0.1, 0.1, 0.12, 0.1, 0.1, 0.1], patience=3) == 7  # the fourth was the best
    assert stopping_epoch([0.1, 0.2, 0.3, 0.4, 0.5], patience=1) == 0


@pytest.mark.parametrize("seed", range(20))
def test_the_rule_is_the_tutorials(seed):
    curve = np.random.default_rng(seed).integers(0, 12, 25).tolist()
    for patience in (1, 3, 7):
        assert stopping_epoch(curve, patience) == the_tutorials_loop(curve, patience)


def test_a_row_tells_when_a_run_began_to_learn(images):
    found = train_run(images, TUTORIAL, RELU, 3)
    row = run_row(TUTORIAL, RELU, 3, found, 10)
    curve = [scores.accuracy for (scores,) in found.epochs[1:]]
    learning = [epoch for epoch, accuracy in enumerate(curve, start=1) if accuracy > 0.2]
    assert row["begins"] == (learning[0] if learning else 0)
    assert all(accuracy <= 0.2 for accuracy in curve[:-1])  # or it would have ended before
    still = replace(found, epochs=found.epochs[:1] * 3)  # as it was before training, guessing
    assert run_row(TUTORIAL, RELU, 3, still, 10)["begins"] == 0
