import dataclasses
import math
import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from dlstudy.core.base.dataset import Split
from dlstudy.core.base.errors import DivergedError
from dlstudy.core.base.randomness import generator
from dlstudy.core.networks import build_network, cross_entropy, initialise, save_runs, scores
from dlstudy.core.params import SgdParams
from dlstudy.sgd import loop as sgd
from dlstudy.sgd.loop import learning_rates, minibatches, sgd_step, train_run, train_seeds

SOFTMAX = SgdParams(
    method="sgd", data="images", hidden=(), init="zeros", lr=0.05, batch_size=32, num_epochs=3
)  # 200 images make six minibatches of 32 and one of 8
MLP = SOFTMAX.model_copy(update={"hidden": (12,), "activation": "relu", "init": "he"})
LINEAR = SOFTMAX.model_copy(update={"data": "synthetic", "batch_size": 32})


def network_for(dataset, params, seed):
    """The network as training with that seed starts it."""
    sizes = dataset.num_features, params.hidden, dataset.num_outputs
    network = build_network(*sizes, activation=params.activation, dtype=dataset.dtype)
    initialise(network, params.init, generator(seed, "weights"))
    return network


def train_with_pytorchs_optimiser(dataset, params, seed):
    """The textbook's loop: torch.optim.SGD, a scheduler, a loss of torch.nn; parameters and mean loss an epoch."""
    train, network = dataset.standardised(dataset.train), network_for(dataset, params, seed)
    loss_of = nn.CrossEntropyLoss()
    if dataset.task == "regression":
        loss_of = lambda outputs, targets: nn.MSELoss()(outputs.squeeze(1), targets) / 2  # noqa: E731
    num_steps = params.num_epochs * math.ceil(len(train) / params.batch_size)
    optimiser = torch.optim.SGD(network.parameters(), lr=params.lr)
    schedule = LambdaLR(optimiser, lambda step: 1 - step / num_steps)
    order, losses = generator(seed, "minibatches"), []
    for _ in range(params.num_epochs):
        total = 0.0
        for rows in torch.randperm(len(train), generator=order).split(params.batch_size):
            optimiser.zero_grad()
            loss = loss_of(network(train.features[rows]), train.targets[rows])
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item() * len(rows)
        losses.append(total / len(train))
    return dict(network.state_dict()), losses


# --- A step, its minibatch, its learning rate ---


def test_a_step_goes_down_the_gradient():
    weights, bias = torch.tensor([1.0, -2.0]), torch.tensor([0.5])
    sgd_step([weights, bias], [torch.tensor([4.0, 2.0]), torch.tensor([-1.0])], lr=0.25)
    assert weights.tolist() == [0.0, -2.5]
    assert bias.tolist() == [0.75]


@given(st.integers(0, 2**32), st.floats(1e-6, 10))
def test_a_step_is_that_of_pytorchs_optimiser(seed, lr):
    stream = torch.Generator().manual_seed(seed)
    ours, gradient = torch.randn(20, generator=stream), torch.randn(20, generator=stream)
    theirs = ours.clone().requires_grad_()
    theirs.grad = gradient.clone()
    torch.optim.SGD([theirs], lr=lr).step()
    sgd_step([ours], [gradient], lr)
    assert torch.equal(ours, theirs.detach())


@given(num_examples=st.integers(1, 300), batch_size=st.integers(1, 350), seed=st.integers(0, 2**32))
def test_minibatches_partition_the_rows(num_examples, batch_size, seed):
    batches = list(minibatches(num_examples, batch_size, torch.Generator().manual_seed(seed)))
    assert sorted(torch.cat(batches).tolist()) == list(range(num_examples))
    assert {len(batch) for batch in batches[:-1]} <= {batch_size}
    assert len(batches) == math.ceil(num_examples / batch_size)


def test_every_epoch_has_an_order_of_its_own():
    stream = torch.Generator().manual_seed(0)
    first, second = (torch.cat(list(minibatches(50, 7, stream))).tolist() for _ in range(2))
    assert len({tuple(first), tuple(second), tuple(range(50))}) == 3


@given(first=st.floats(1e-6, 1e3), num_steps=st.integers(1, 500))
def test_learning_rates_fall_linearly_and_would_reach_0_after_the_last(first, num_steps):
    rates = list(learning_rates(first, num_steps))
    assert len(rates) == num_steps
    assert rates[0] == first
    falls = [before - after for before, after in zip(rates, [*rates[1:], 0], strict=True)]
    assert falls == pytest.approx([first / num_steps] * num_steps, abs=first * 1e-15)  # float64 rounds at 1e-16


# --- Training against PyTorch's own ---


@pytest.mark.parametrize(("data", "params"), [("images", SOFTMAX), ("images", MLP), ("known_line", LINEAR)])
def test_training_is_that_of_pytorchs_optimiser_and_scheduler(request, data, params):
    dataset = request.getfixturevalue(data)
    run = train_run(dataset, params, seed=3)
    parameters, losses = train_with_pytorchs_optimiser(dataset, params, seed=3)
    for name, values in run.parameters.items():
        assert torch.equal(values, parameters[name])  # the same operations in the same order: the same bits
    # Both add up float64 numbers, in ever the same order but for their weights: rounding of float32 losses remains.
    assert [epoch.train.loss for epoch in run.history[1:]] == pytest.approx(losses, rel=1e-6)


def test_training_on_a_line_approaches_least_squares(known_line):
    params = LINEAR.model_copy(update={"lr": 0.1, "num_epochs": 200})
    run = train_run(known_line, params, seed=0)
    standardised = known_line.standardised(known_line.train)
    ones = torch.ones(len(known_line.train), 1, dtype=torch.float64)
    exact = torch.linalg.pinv(torch.cat([standardised.features, ones], 1)) @ standardised.targets
    found = torch.cat([run.parameters["0.weight"][0], run.parameters["0.bias"]])
    torch.testing.assert_close(found, exact, rtol=0, atol=1e-3)  # what the study promises of SGD


@pytest.mark.parametrize("params", [SOFTMAX, MLP])
def test_training_learns_what_is_easy(images, params):
    first, *_, last = train_run(images, params.model_copy(update={"num_epochs": 8}), seed=0).history
    assert last.validation.loss < first.validation.loss / 2
    assert last.validation.accuracy > 0.9  # guessing: 0.1


# --- What a run records ---


def test_the_history_begins_before_training_and_ends_with_the_trained_network(images):
    run = train_run(images, MLP, seed=0)
    assert [epoch.epoch for epoch in run.history] == [0, 1, 2, 3]
    train, validation = images.standardised(images.train), images.standardised(images.validation)
    network = network_for(images, MLP, seed=0)
    assert run.history[0].train == scores(network, train, cross_entropy)
    assert run.history[0].validation == scores(network, validation, cross_entropy)
    network.load_state_dict(run.parameters)
    assert run.history[-1].validation == scores(network, validation, cross_entropy)


def test_training_scores_of_an_epoch_are_means_over_its_examples(images):
    # With a learning rate that changes next to nothing, they are the scores before training, short batch and all.
    params = MLP.model_copy(update={"lr": 1e-12, "num_epochs": 1})
    before, after = train_run(images, params, seed=0).history
    assert after.train.loss == pytest.approx(before.train.loss, rel=1e-6)  # float32
    assert after.train.accuracy == before.train.accuracy


def test_a_regression_has_no_accuracy(known_line):
    assert {epoch.train.accuracy for epoch in train_run(known_line, LINEAR, seed=0).history} == {0}


# --- Seeds ---


def test_a_seed_repeats_and_another_differs(images):
    first, again, other = (train_run(images, MLP, seed) for seed in (5, 5, 6))
    assert first.history == again.history != other.history
    for name, values in first.parameters.items():
        assert torch.equal(values, again.parameters[name])
        assert not torch.equal(values, other.parameters[name])


def test_models_of_one_seed_see_the_same_minibatches(images, monkeypatch):
    seen = []

    def recorded(*args):
        seen.append([rows.tolist() for rows in minibatches(*args)])
        return map(torch.tensor, seen[-1])

    monkeypatch.setattr(sgd, "minibatches", recorded)
    for params in (MLP, SOFTMAX):
        train_run(images, params, seed=4)
    of_mlp, of_softmax = seen[: MLP.num_epochs], seen[MLP.num_epochs :]
    assert of_mlp == of_softmax


# --- What training must not touch, and what it refuses ---


class Untouchable:
    """A split whose every use is a failure."""

    def __getattribute__(self, name):
        pytest.fail(f"the test split was asked for {name}")

    def __len__(self):
        return int(pytest.fail("the test split was asked for its length"))


@pytest.mark.parametrize(("data", "params"), [("images", MLP), ("known_line", LINEAR)])
def test_training_never_looks_at_the_test_split(request, monkeypatch, data, params):
    monkeypatch.setenv("DLSTUDY_PROCESSES", "1")  # sending a data set to another process reads all of it
    dataset = dataclasses.replace(request.getfixturevalue(data), test=Untouchable())
    assert len(train_seeds(dataset, params, [0, 1], label="model")) == 2


def test_training_leaves_the_data_as_they_are(images):
    before = [(split.features.clone(), split.targets.clone()) for split in images.splits.values()]
    train_run(images, MLP, seed=0)
    for split, (features, targets) in zip(images.splits.values(), before, strict=True):
        assert torch.equal(split.features, features)
        assert torch.equal(split.targets, targets)


def test_divergence_is_told_with_seed_epoch_and_learning_rate(known_line):
    params = LINEAR.model_copy(update={"lr": 1e100, "num_epochs": 9})
    told = r"^seed 8 diverged in epoch \d of 9: expected a finite loss, found .*(inf|nan).* with lr 1e\+100, .*smaller"
    with pytest.raises(DivergedError, match=told):
        train_run(known_line, params, seed=8)


def test_divergence_on_the_validation_split_alone_is_reported(known_line):
    far = Split(known_line.validation.features * 1e200, known_line.validation.targets)
    with pytest.raises(DivergedError, match=r"found 0\.\d+ \(training\), inf \(validation\)"):
        train_run(dataclasses.replace(known_line, validation=far), LINEAR, seed=0)


@pytest.mark.parametrize("batch_size", [201, 10_000])
def test_a_minibatch_that_cannot_be_filled_is_refused(images, batch_size):
    params = SOFTMAX.model_copy(update={"batch_size": batch_size})
    told = f"train.softmax.batch_size: expected at most 200, the training split, found {batch_size}"
    with pytest.raises(ValueError, match=re.escape(told)):
        train_seeds(images, params, [0], label="softmax")


def test_the_whole_training_split_may_be_one_minibatch(images):
    (run,) = train_seeds(images, SOFTMAX.model_copy(update={"batch_size": 200}), [0], label="softmax")
    assert len(run.history) == 1 + SOFTMAX.num_epochs


# --- Processes ---


def test_the_number_of_processes_changes_no_byte(images, monkeypatch, tmp_path):
    seeds = [3, 1, 2, 0]
    for processes in ("1", "2"):
        monkeypatch.setenv("DLSTUDY_PROCESSES", processes)
        runs = train_seeds(images, MLP, seeds, label="mlp")
        assert [run.seed for run in runs] == seeds
        save_runs(tmp_path / f"{processes}.pt", runs)
    assert (tmp_path / "1.pt").read_bytes() == (tmp_path / "2.pt").read_bytes()
