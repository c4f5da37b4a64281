import math
import os
import subprocess
import sys
from functools import cache

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812
from torchvision import models

from dlstudy.core.base.errors import DivergedError
from dlstudy.core.base.params import ParamsError, validated
from dlstudy.core.base.randomness import generator
from dlstudy.core.networks import history_table, save_runs
from dlstudy.evaluation.vision import evaluate_vision, filters_in
from dlstudy.measures.torchvision import right_examples
from dlstudy.vision import loop as vision
from dlstudy.vision.loop import Training, learning_rate, look_steps, train_run, train_vision
from dlstudy.vision.networks import augmented, build_vision, format_of, network_inputs, outputs_of_images
from dlstudy.vision.params import VisionParams
from tests.conftest import ROOT
from tests.vision.test_vision_networks import ALEXNET, RESNET


@pytest.fixture(autouse=True)
def one_process(monkeypatch):
    monkeypatch.setenv("DLSTUDY_PROCESSES", "1")


def trained(dataset, params, folder, seed=0):
    return train_run(dataset, params, None, "x", folder, (seed,), seed)


@pytest.fixture(scope="module")
def whole(images, tmp_path_factory):
    """Trains a network from its first seed to its end, once for all tests; it needs no checkpoint."""
    return cache(lambda params: trained(images, params, tmp_path_factory.mktemp("whole")))


def same(one, other):
    return one.history == other.history and all(
        torch.equal(value, other.parameters[name]) for name, value in one.parameters.items()
    )


# --- The loop against a textbook's ---


def train_as_a_textbook_does(dataset, params, seed):
    torch.manual_seed(generator(seed, "weights").initial_seed())
    network = build_vision(params, 10).train()
    weights = [each for each in network.parameters() if each.ndim > 1]
    others = [each for each in network.parameters() if each.ndim == 1]
    groups = [{"params": weights, "weight_decay": params.weight_decay}, {"params": others, "weight_decay": 0}]
    if params.optimiser == "adam":
        optimiser = torch.optim.AdamW(groups, lr=1, betas=(params.momentum, 0.999))
    else:
        optimiser = torch.optim.SGD(groups, lr=1, momentum=params.momentum, nesterov=True)
    num_steps = params.num_epochs * 3
    rising = math.ceil(params.warmup * num_steps)
    rates = [params.lr * (step + 1) / rising for step in range(rising)]
    rates += [params.lr * (1 - step / (num_steps - rising)) for step in range(num_steps - rising)]
    step = 0
    for epoch in range(params.num_epochs):
        for rows in torch.randperm(48, generator=generator(seed, f"minibatches/{epoch}")).split(16):
            for group in optimiser.param_groups:
                group["lr"] = rates[step]
            pictures = augmented(
                dataset.train.features[rows], params.augmentation, generator(seed, f"augmentation/{step}")
            )
            torch.manual_seed(generator(seed, f"dropout/{step}").initial_seed())
            optimiser.zero_grad()
            outputs = network(network_inputs(pictures, format_of(params, dataset)))
            F.cross_entropy(outputs, dataset.train.targets[rows]).backward()
            optimiser.step()
            step += 1
    return network.state_dict()


@pytest.mark.parametrize(
    "params",
    [
        RESNET,
        ALEXNET.model_copy(update={"optimiser": "sgd", "lr": 0.01, "augmentation": ("shift", "flip")}),
    ],
    ids=["resnet18-adam", "alexnet-sgd-augmented"],
)
def test_training_is_what_a_textbook_loop_does(images, params, tmp_path):
    expected = train_as_a_textbook_does(images, params, seed=4)
    run = trained(images, params, tmp_path, seed=4)
    assert run.parameters.keys() == expected.keys()
    trained_names = {name for name, _ in build_vision(params, 10).named_parameters()}
    for name, value in run.parameters.items():
        if name not in trained_names:  # averages that batch normalisation keeps
            assert torch.allclose(value.double(), expected[name].double(), rtol=0.02, atol=0.01), name
            continue
        apart = (value - expected[name]).double().abs()
        assert apart.max() <= 2 * params.lr, name  # Adam divides by gradients that may be near 0
        assert apart.mean() <= 0.02 * params.lr, name


def test_networks_learn_bright_bars(images, tmp_path):
    params = RESNET.model_copy(update={"num_images": 200, "num_epochs": 3, "batch_size": 20, "lr": 0.003})
    run = trained(images, params, tmp_path)
    assert run.history[0].validation.accuracy < 0.4
    assert run.history[-1].validation.accuracy > 0.9


# --- Rates and looks ---


def test_the_learning_rate_rises_then_falls():
    params = RESNET.model_copy(update={"lr": 1.0, "warmup": 0.4})
    rates = [learning_rate(params, step, 10) for step in range(10)]
    assert rates == pytest.approx([0.25, 0.5, 0.75, 1, 1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6])
    assert learning_rate(params.model_copy(update={"warmup": 0.0}), 0, 10) == 1.0


def test_looks_are_even_and_the_last_is_at_the_end():
    assert look_steps(10, 3) == [4, 7, 10]
    assert look_steps(2, 5) == [1, 2]


def test_the_history_has_a_row_a_look(whole):
    table = history_table([whole(RESNET)], "classification")
    assert table["epoch"].tolist() == [0, 2 / 3, 1, 5 / 3, 2]  # 3 steps an epoch
    assert table["train_accuracy"].between(0, 1).all()


# --- Seeds ---


def test_same_seed_same_bytes_and_another_seed_others(images, tmp_path):
    params = ALEXNET.model_copy(update={"augmentation": ("rotation",), "num_epochs": 1})
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        torch.manual_seed(len(name))  # does not matter
        save_runs(tmp_path / name, [trained(images, params, tmp_path, seed)])
    first, again, other = ((tmp_path / name).read_bytes() for name in "abc")
    assert first == again
    assert first != other


def test_training_leaves_the_global_random_state_alone(images, tmp_path):
    before = torch.get_rng_state()
    trained(images, RESNET.model_copy(update={"num_epochs": 1}), tmp_path)
    assert torch.equal(torch.get_rng_state(), before)


def test_only_the_first_seeds_and_images_are_used(images, tmp_path):
    params = RESNET.model_copy(update={"num_epochs": 1})
    runs = train_vision(images, params, (7, 8, 9), label="x", folder=tmp_path / "checkpoints")
    assert [run.seed for run in runs] == [7, 8]
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["seed-7.pt", "seed-8.pt"]
    assert len(Training.begin(images, params, 7).train) == 48


# --- Interruption ---


DROPPING = ALEXNET.model_copy(update={"augmentation": ("flip",)})


class Interrupted:
    """A progress bar that is fed up after some steps."""

    def __init__(self, after):
        self.left = after

    def update(self, num):
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("params", "after"),
    [  # in the first epoch and in the second
        (RESNET, 1),
        pytest.param(RESNET, 4, marks=pytest.mark.slow),
        pytest.param(DROPPING, 3, marks=pytest.mark.slow),
        (DROPPING, 5),
    ],
    ids=["norm-1", "norm-4", "dropout-3", "dropout-5"],
)
def test_a_training_that_was_interrupted_ends_in_the_same_bytes(images, whole, params, after, tmp_path, monkeypatch):
    expected = whole(params)
    monkeypatch.setattr(vision, "CHECKPOINT_SECONDS", 0.0)
    checkpoint = tmp_path / "seed-0.pt"
    with pytest.raises(KeyboardInterrupt):
        Training.begin(images, params, 0).run(checkpoint, "this", Interrupted(after))
    resumed = Training.begin(images, params, 0)
    steps = []
    monkeypatch.setattr(resumed, "take_step", lambda rows, step=resumed.take_step: (steps.append(1), step(rows)))
    assert same(resumed.run(checkpoint, "this", Interrupted(100)), expected)
    assert len(steps) == 6 - after  # the step in which it was interrupted is taken again


def test_a_checkpoint_of_another_training_is_not_continued(images, tmp_path):
    checkpoint = tmp_path / "seed-0.pt"
    training = Training.begin(images, RESNET, 0)
    training.save(checkpoint, vision.fingerprint_of(training))
    others = [
        Training.begin(images, RESNET, 1),
        Training.begin(images, RESNET.model_copy(update={"lr": 0.002}), 0),
        Training.begin(images, RESNET.model_copy(update={"num_images": 47, "batch_size": 15}), 0),
    ]
    assert training.restore(checkpoint, vision.fingerprint_of(Training.begin(images, RESNET, 0)))
    assert not any(other.restore(checkpoint, vision.fingerprint_of(other)) for other in others)


def test_a_checkpoint_of_other_arithmetic_or_another_start_is_not_continued(images, monkeypatch):
    training = Training.begin(images, RESNET, 0)
    before = vision.fingerprint_of(training)
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "SSE41")
    assert vision.fingerprint_of(training) != before
    monkeypatch.undo()
    assert vision.fingerprint_of(training) == before
    with torch.no_grad():
        training.network.conv1.weight[0, 0, 0, 0] += 1
    assert vision.fingerprint_of(training) != before


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", None], ids=["empty", "other", "cut"])
def test_a_damaged_checkpoint_is_told_and_the_training_begins_anew(images, content, tmp_path, capsys):
    checkpoint = tmp_path / "seed-0.pt"
    training = Training.begin(images, RESNET, 0)
    training.save(checkpoint, "this")
    checkpoint.write_bytes(checkpoint.read_bytes()[:100_000] if content is None else content)
    assert not training.restore(checkpoint, "this")
    assert f"{checkpoint}: warning: expected a checkpoint, found a damaged file" in capsys.readouterr().err


WORK_ON = """
import stages  # finds dlstudy
import time
from dlstudy.core.execution import map_runs
from dlstudy.vision.loop import _end_with_parent

def work(item):
    print("began", flush=True)
    while True:
        _end_with_parent()
        time.sleep(0.05)

map_runs(work, [1, 2], label="work")
"""


@pytest.mark.slow
def test_processes_whose_parent_was_killed_end_too():
    environment = os.environ | {"DLSTUDY_PROCESSES": "2"}
    with subprocess.Popen(
        [sys.executable, "-c", WORK_ON], stdout=subprocess.PIPE, env=environment, cwd=ROOT
    ) as process:
        for _ in range(2):
            assert process.stdout.readline() == b"began\n"
        process.kill()
        assert process.communicate(timeout=60)[0] == b""  # both have let go of the pipe


def test_what_is_not_a_number_stops_the_training_names_the_model_and_leaves_no_checkpoint(
    images, tmp_path, monkeypatch
):
    monkeypatch.setattr("dlstudy.vision.loop.CHECKPOINT_SECONDS", -1.0)  # one after each step
    params = ALEXNET.model_copy(update={"optimiser": "sgd", "lr": 1e12, "warmup": 0.0, "num_seeds": 1})
    with pytest.raises(DivergedError, match=r"train\.x: seed 0 diverged by step \d of 6: expected a finite loss"):
        train_vision(images, params, (0, 1), label="x", folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


# --- Published weights to start from ---


def test_a_network_starts_from_published_weights_and_draws_its_last_layer_only(images, tmp_path):
    params = RESNET.model_copy(update={"weights": "ResNet18_Weights.IMAGENET1K_V1", "num_epochs": 1, "lr": 1e-5})
    state = {name: value.clone() for name, value in models.resnet18().state_dict().items()}
    training = Training.begin(images, params, 0, state)
    start = {name: value.clone() for name, value in training.network.state_dict().items()}
    for name, value in start.items():
        if name.startswith("fc."):
            assert len(value) == 10
        else:
            assert torch.equal(value, state[name]), name
    (run,) = train_vision(images, params, (0,), label="x", folder=tmp_path / "checkpoints", start=state)
    weight = run.parameters["conv1.weight"]
    assert weight.shape == (64, 3, 7, 7)
    assert not torch.equal(weight, start["conv1.weight"])  # all layers are trained
    assert torch.allclose(weight, start["conv1.weight"], atol=1e-4)  # a little


# --- Scores ---


def test_a_trained_network_is_scored_as_every_classifier(images, tmp_path):
    params = RESNET.model_copy(update={"num_epochs": 1})
    runs = {seed: trained(images, params, tmp_path, seed) for seed in (0, 1)}
    found = evaluate_vision(images, params, list(runs.values()), 5)
    of_every_classifier = {"per_seed", "per_class", "confusion", "correct", "mistakes", "calibration", "reliability"}
    assert set(found.tables) == {*of_every_classifier, "filters"}
    np.testing.assert_array_equal(filters_in(found.tables["filters"]), runs[0].parameters["conv1.weight"])
    right = right_examples(found.tables["correct"])
    assert len(found.predictions) == 70
    for seed, run in runs.items():
        network = build_vision(params, 10)
        network.load_state_dict(run.parameters)
        guesses = outputs_of_images(network, images.test.features, format_of(params, images)).argmax(1)
        assert right[seed].tolist() == (guesses == images.test.targets).tolist()
        row = found.tables["per_seed"].query(f"split == 'test' and seed == {seed}")
        assert row["accuracy"].item() == pytest.approx((guesses == images.test.targets).double().mean().item())
    of_validation = found.tables["per_seed"].query("split == 'validation'")["accuracy"] * 60  # all, not 20 as on looks
    assert of_validation.tolist() == pytest.approx(of_validation.round().tolist())


# --- Parameters ---

GOOD = {name: list(value) if isinstance(value, tuple) else value for name, value in RESNET.model_dump().items()}
ROWS = {"num_training_rows": {"images": 100}, "num_validation_rows": {"images": 30}}


def test_good_parameters_are_accepted():
    assert validated(GOOD, VisionParams, context=ROWS) == RESNET


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"builder": "resnet19"}, "builder: expected a name that matches"),
        (
            {"builder": "alexnet", "classifier_width": 8},
            "resolution: expected 63 at least, what alexnet's poolings",
        ),
        ({"builder": "vgg16_bn", "classifier_width": 8}, "resolution: expected 32 at least"),
        ({"builder": "vgg11", "resolution": 32}, "classifier_width: expected a width for the classifier of vgg11"),
        ({"classifier_width": 8}, "classifier_width: expected none for resnet18, which has no hidden layers"),
        (
            {"builder": "vgg11", "resolution": 32, "classifier_width": 8, "weights": "VGG11_Weights.IMAGENET1K_V1"},
            "classifier_width: expected none for vgg11, as it was trained, found 8",
        ),
        (
            {"weights": "AlexNet_Weights.IMAGENET1K_V1"},
            "weights: expected weights of resnet18, found 'AlexNet",
        ),
        ({"dropout": 0.5}, "dropout: expected 0 for resnet18, whose classifier has no hidden units, found 0.5"),
        ({"num_images": 101}, "num_images: expected at most 100, the training split of images, found 101"),
        ({"num_validation_images": 31}, "num_validation_images: expected at most 30, the validation split"),
        ({"batch_size": 49}, "batch_size: expected at most num_images, 48, found 49"),
        ({"batch_size": 47}, "batch_size: expected a size that leaves no single image of 48 over"),
        ({"augmentation": ["upside_down"]}, "augmentation.0: expected 'flip', 'shift'"),
        ({"optimiser": "lion"}, "optimiser: expected 'sgd' or 'adam', found 'lion'"),
        ({"warmup": 1.0}, "warmup: expected less than 1, found 1.0"),
    ],
)
def test_bad_parameters_are_reported(changes, message):
    with pytest.raises(ParamsError) as caught:
        validated(GOOD | changes, VisionParams, context=ROWS)
    assert message in str(caught.value)
