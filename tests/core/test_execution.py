import os
import re
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from dlstudy.core import execution
from dlstudy.core.base.dataset import Split
from dlstudy.core.execution import map_runs, num_processes
from dlstudy.core.networks import save_runs
from dlstudy.core.params import SgdParams
from dlstudy.sgd.loop import train_run, train_seeds


@pytest.fixture(params=["1", "2"])
def processes(request, monkeypatch):
    monkeypatch.setenv("DLSTUDY_PROCESSES", request.param)


@pytest.mark.parametrize("found", ["1", "2", "16"])
def test_the_user_sets_the_number_of_processes(monkeypatch, found):
    monkeypatch.setenv("DLSTUDY_PROCESSES", found)
    assert num_processes() == int(found)


@pytest.mark.parametrize("found", ["0", "-1", "1.5", "two", " 2", "1e1", "²"])
def test_anything_but_a_number_of_processes_is_refused(monkeypatch, found):
    monkeypatch.setenv("DLSTUDY_PROCESSES", found)
    with pytest.raises(ValueError, match="DLSTUDY_PROCESSES: expected a number of processes") as told:
        num_processes()
    assert str(told.value).endswith(f"1 or more, found {found!r}")


def test_without_a_wish_there_is_at_least_one_process(monkeypatch):
    monkeypatch.delenv("DLSTUDY_PROCESSES", raising=False)
    assert num_processes() >= 1


def slow_square(number: int) -> int:
    time.sleep(0.1 if number == 0 else 0)  # so that the second is ready before the first
    return number**2


@pytest.mark.usefixtures("processes")
def test_results_come_in_the_order_of_the_items():
    assert map_runs(slow_square, [0, 3, 1, 2], label="squares") == [0, 9, 1, 4]


@pytest.mark.usefixtures("processes")
def test_no_items_have_no_results():
    assert map_runs(slow_square, [], label="nothing") == []


@pytest.mark.usefixtures("processes")
def test_shared_arguments_come_before_the_item():
    assert map_runs(pow, [2, 3], label="powers", shared=(10,)) == [100, 1000]


MLP = SgdParams(
    method="sgd",
    data="images",
    hidden=(8,),
    activation="relu",
    init="he",
    lr=0.1,
    batch_size=32,
    num_epochs=2,
)


@pytest.mark.usefixtures("processes")
def test_runs_are_the_same_bytes_as_one_after_the_other(images, tmp_path):
    save_runs(tmp_path / "mapped", train_seeds(images, MLP, [3, 0, 1], label="mlp"))
    save_runs(tmp_path / "plain", [train_run(images, MLP, seed) for seed in (3, 0, 1)])
    assert (tmp_path / "mapped").read_bytes() == (tmp_path / "plain").read_bytes()


# --- Progress ---


def first_is_last(folder: Path, number: int) -> int:
    while number == 0 and len(list(folder.iterdir())) < 3:
        time.sleep(0.01)
    time.sleep(0.1)
    (folder / str(number)).touch()
    return number


def test_progress_advances_as_runs_finish_and_tells_what_is_left(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("DLSTUDY_PROCESSES", "2")
    monkeypatch.setattr(execution, "tqdm", partial(execution.tqdm, mininterval=0, miniters=1))  # every state is shown
    assert map_runs(first_is_last, [0, 1, 2, 3], label="slow", shared=(tmp_path,)) == [0, 1, 2, 3]
    states = re.findall(r"slow: [^\r]* (\d)/4 \[\d\d:\d\d<(\S+),", capsys.readouterr().err)
    assert states[0] == ("0", "?")
    assert [num for num, _ in states] == sorted(num for num, _ in states)
    assert {num for num, _ in states} == set("01234")  # also three, while the first still ran
    assert states[-1] == ("4", "00:00")


def process_of(_: int) -> int:
    return os.getpid()


def test_two_processes_leave_this_one_free(monkeypatch):
    monkeypatch.setenv("DLSTUDY_PROCESSES", "2")
    assert os.getpid() not in map_runs(process_of, [0, 1, 2], label="processes")


def test_one_process_is_this_one(monkeypatch):
    monkeypatch.setenv("DLSTUDY_PROCESSES", "1")
    assert set(map_runs(process_of, [0, 1, 2], label="processes")) == {os.getpid()}


@pytest.mark.usefixtures("processes")
def test_a_fault_in_one_run_reaches_the_caller():
    with pytest.raises(ZeroDivisionError):
        map_runs(partial(divmod, 1), [1, 0], label="quotients")


def files_mapped(split: Split, _: int) -> set[str]:
    lines = Path("/proc/self/maps").read_text().splitlines()
    return {line.split()[-1] for line in lines if "joblib" in line}


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux tells which files a process has mapped")
def test_processes_share_one_copy_of_a_large_split(monkeypatch):
    monkeypatch.setenv("DLSTUDY_PROCESSES", "2")
    split = Split(torch.zeros(2_000_000, dtype=torch.uint8), torch.zeros(3))  # above joblib's 1 MB
    files = map_runs(files_mapped, [0, 1, 2, 3], label="maps", shared=(split,))
    assert len(set().union(*files)) == 1


def overwritten_sum(split: Split, number: int) -> int:
    total = int(split.features.sum()) + number
    split.features.zero_()
    return total


def test_processes_get_the_values_of_a_large_split_and_cannot_change_them(monkeypatch):
    monkeypatch.setenv("DLSTUDY_PROCESSES", "2")
    features = torch.from_numpy(np.arange(2_000_000, dtype=np.int64) % 7)  # large enough for a memory map
    split = Split(features, features[:3])
    total = int(features.sum())
    # Two items a process at least: that one has overwritten its view must not reach the next.
    found = map_runs(overwritten_sum, [0, 1, 2, 3], label="sums", shared=(split,))
    assert found == [total + n for n in range(4)]
    assert int(split.features.sum()) == total


def test_an_empty_variable_means_the_default(monkeypatch):
    monkeypatch.setenv("DLSTUDY_PROCESSES", "")
    assert num_processes() >= 1
