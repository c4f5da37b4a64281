import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from dlstudy.core.base import arithmetic
from dlstudy.core.base.arithmetic import AVX2_KERNELS, SINGLE_THREAD, VARIABLE, environment, settle
from tests.import_closure import third_party

ROOT = Path(__file__).resolve().parents[2]
OLDER_CPU = {  # what makes each library believe that the processor has no AVX-512
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
}

on_x86_64 = pytest.mark.skipif(
    platform.machine().lower() not in ("x86_64", "amd64"), reason="portable arithmetic is about x86-64 processors"
)


# --- Which variables ---


def test_both_arithmetics_have_one_thread():
    assert environment("native").items() <= environment("portable").items()
    assert {value for name, value in environment("native").items() if name.endswith("_THREADS")} == {"1"}


@on_x86_64
def test_portable_arithmetic_alone_chooses_kernels():
    assert environment("portable")["MKL_CBWR"] == "AVX2"
    assert not AVX2_KERNELS.keys() & environment("native").keys()


def test_other_processors_have_no_kernels_to_choose(monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    assert environment("portable") == environment("native")


@pytest.mark.parametrize("found", ["fast", "", "Portable"])
def test_another_arithmetic_is_refused(found):
    with pytest.raises(ValueError, match="DLSTUDY_ARITHMETIC: expected 'portable' or 'native', found") as caught:
        environment(found)
    assert str(caught.value).endswith(repr(found))


@pytest.mark.parametrize(("chosen", "expected"), [(None, "portable"), ("portable", "portable"), ("native", "native")])
def test_the_user_chooses_and_portable_is_the_default(monkeypatch, chosen, expected):
    inherited = {name: value for name, value in os.environ.items() if name not in {*pinned(), VARIABLE}}
    monkeypatch.setattr(os, "environ", inherited | ({} if chosen is None else {VARIABLE: chosen}))
    settle()
    assert {name: value for name, value in os.environ.items() if name in pinned()} == environment(expected)


def pinned() -> set[str]:
    return {*SINGLE_THREAD, *AVX2_KERNELS}


def test_settling_imports_no_numeric_library():
    # it would read the environment too early
    assert third_party({Path(arithmetic.__file__)}) <= {"os", "platform", "sys", "typing"}


def test_runs_have_one_thread():
    assert torch.get_num_threads() == 1


@on_x86_64
@pytest.mark.skipif(os.environ.get(VARIABLE) == "native", reason="native arithmetic takes what the processor has")
def test_pytorch_goes_by_the_settled_kernels():
    assert torch.backends.cpu.get_cpu_capability() in ("AVX2", "DEFAULT")  # DEFAULT: a processor without AVX2


# --- The same bytes from another processor ---

TRAINING = """
import sys
from pathlib import Path

import stages  # settles the arithmetic, as every stage does
import torch
from dlstudy.core.base.dataset import Dataset, Scale, Split
from dlstudy.core.params import SgdParams
from dlstudy.core.base.randomness import generator
from dlstudy.core.networks import save_runs
from dlstudy.sgd.loop import train_run

stream = generator(0, "images")
images = torch.randint(0, 256, (400, 28, 28), generator=stream).to(torch.uint8)
classes = torch.randint(0, 10, (400,), generator=stream)
train, other = Split(images[:300], classes[:300]), Split(images[300:], classes[300:])
dataset = Dataset("classification", train, other, other, Scale.of_pixels(train.features), None, ("pixel",), "class",
                  tuple("abcdefghij"))
for activation in ("tanh", "sigmoid"):
    params = SgdParams(method="sgd", data="images", hidden=(64,), activation=activation, init="xavier", lr=0.1,
                       batch_size=64, num_epochs=2)
    save_runs(Path(sys.argv[1]) / activation, [train_run(dataset, params, seed=0)])
"""


def start_training(folder: Path, **variables: str) -> subprocess.Popen:
    """A process that trains two networks into the folder, its arithmetic settled by itself alone."""
    folder.mkdir()
    ours = {name: value for name, value in os.environ.items() if name not in {*pinned(), VARIABLE}}
    command = [sys.executable, "-c", TRAINING, str(folder)]
    return subprocess.Popen(command, cwd=ROOT, env=ours | variables, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
@on_x86_64
def test_portable_arithmetic_gives_the_same_bytes_on_a_simulated_older_processor(tmp_path):
    trainings = {
        "here": start_training(tmp_path / "here", **{VARIABLE: "portable"}),
        "older": start_training(tmp_path / "older", **{VARIABLE: "portable"}, **OLDER_CPU),
    }
    for training in trainings.values():
        _, errors = training.communicate(timeout=100)
        assert training.returncode == 0, errors
    for activation in ("tanh", "sigmoid"):
        assert (tmp_path / "here" / activation).read_bytes() == (tmp_path / "older" / activation).read_bytes()
