"""The same runs on a Dask cluster: a real one, of processes on this machine that each test or fixture starts and ends.

A test that kills a worker has a cluster of its own, and as many workers as have to die in it: Dask's nannies, which
would start new ones, are off, so that nothing waits for them.
"""

import gc
import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from weakref import WeakSet

import numpy as np
import pytest
import torch
from distributed import Client

from dlstudy.core import cluster, execution
from dlstudy.core.base.arithmetic import AVX2_KERNELS, SINGLE_THREAD
from dlstudy.core.base.dataset import Split
from dlstudy.core.base.errors import SettingError, StudyError
from dlstudy.core.execution import map_runs
from dlstudy.core.networks import save_runs
from dlstudy.core.params import SgdParams
from dlstudy.experiments.ladder.climbing import ladder
from dlstudy.experiments.ladder.params import Protocol
from dlstudy.sgd.loop import train_run, train_seeds
from dlstudy.tuning.jobs import Memo
from dlstudy.tuning.stacks import Images
from tests.cluster_runs import (
    Parcel,
    die_always,
    die_once,
    finish_after_a_death,
    is_not_run,
    overwritten_sum,
    process_and_sum,
    process_of,
)
from tools.cluster import KEEPS_COPIES, command, surroundings

ROOT = Path(__file__).resolve().parents[2]
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

PROTOCOL = Protocol.model_validate(
    {
        **{"depths": [1, 4], "budgets": [1.0, 2.0], "width": 8, "batch_size": 20, "learning_rates": [0.1, 0.316, 1.0]},
        **{"inits": ["matching"], "tuning_seeds": [100], "seeds": [0, 1], "stack_size": 1},
    }
)


# --- Clusters ---

WORKER = ("tools.cluster", "worker")
NO_RETRY = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
"""A variable of the scheduler, with which Dask gives a run up when the first worker dies with it."""


@contextmanager
def started(*arguments, folder=ROOT, **variables):
    """A program started as a user would on another machine, its environment not settled by these tests."""
    settled = {*SINGLE_THREAD, *AVX2_KERNELS, "PYTHONPATH"}
    own = {name: value for name, value in os.environ.items() if name not in settled} | variables
    program = [sys.executable, "-m", *arguments, "--host", "127.0.0.1", "--no-dashboard"]
    with subprocess.Popen(program, cwd=folder, env=own) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_until(happened, processes):
    """Waits as long as it takes, unless one of the processes that it depends on has ended."""
    while not happened():
        assert [process.args for process in processes if process.poll() is not None] == []
        time.sleep(0.05)


@contextmanager
def started_scheduler(own_folder: Path, *arguments, **options):
    """The address of a scheduler without workers."""
    file = own_folder / "scheduler.json"

    def address():
        with suppress(FileNotFoundError, json.JSONDecodeError):  # not there yet, or not yet whole
            return json.loads(file.read_text())["address"]

    with started(*arguments, "--port", "0", "--scheduler-file", str(file), **options) as process:
        wait_until(address, [process])
        yield address()


@contextmanager
def started_workers(address: str, *programs, **options):
    """A worker of each program, once all of them are there."""
    with ExitStack() as stack:
        workers = [stack.enter_context(started(*program, address, "--no-nanny", **options)) for program in programs]
        client = stack.enter_context(Client(address, set_as_default=False))
        wait_until(lambda: {worker.pid for worker in workers} <= set(client.run(os.getpid).values()), workers)
        yield


@contextmanager
def started_cluster(folder: Path, num_workers: int, **variables):
    """The address of a scheduler with workers, all of them started as documented."""
    with (
        started_scheduler(folder, "tools.cluster", "scheduler", **variables) as address,
        started_workers(address, *[WORKER] * num_workers),
    ):
        yield address


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory):
    """For tests that leave both alive."""
    with started_cluster(tmp_path_factory.mktemp("cluster"), 2) as address:
        yield address


@pytest.fixture
def on_cluster(two_workers, monkeypatch):
    monkeypatch.setenv("DLSTUDY_SCHEDULER", two_workers)


@pytest.fixture
def scheduler(tmp_path, monkeypatch):
    """The address of one without workers, of this test's own, where runs are sent."""
    with started_scheduler(tmp_path, "tools.cluster", "scheduler") as address:
        monkeypatch.setenv("DLSTUDY_SCHEDULER", address)
        yield address


# --- What runs there ---


@pytest.mark.usefixtures("on_cluster")
def test_runs_are_the_same_bytes_as_in_this_process(images, tmp_path):
    save_runs(tmp_path / "mapped", train_seeds(images, MLP, [3, 0, 1], label="mlp"))
    save_runs(tmp_path / "plain", [train_run(images, MLP, seed) for seed in (3, 0, 1)])
    assert (tmp_path / "mapped").read_bytes() == (tmp_path / "plain").read_bytes()


@pytest.mark.usefixtures("on_cluster")
def test_the_rows_of_the_ladder_are_those_of_one_process(images, tmp_path, monkeypatch):
    pixels = Images.of(images)
    memo = Memo.of(tmp_path / "none", pixels)  # nothing is kept in a folder that is not there
    on_cluster = ladder(pixels, memo, "tanh", PROTOCOL, "tanh")
    monkeypatch.delenv(cluster.VARIABLE)
    monkeypatch.setenv(execution.VARIABLE, "1")
    for name, table in ladder(pixels, memo, "tanh", PROTOCOL, "tanh").items():
        assert table.equals(on_cluster[name])


@pytest.mark.usefixtures("on_cluster")
def test_results_come_in_the_order_of_the_items_from_every_worker(tmp_path):
    found = map_runs(process_of, [0, 3, 1, 2], label="processes", shared=(tmp_path,))
    numbers, processes = zip(*found, strict=True)
    assert numbers == (0, 3, 1, 2)
    assert len(set(processes)) == 2
    assert os.getpid() not in processes


@pytest.mark.usefixtures("on_cluster")
def test_a_fault_in_one_run_reaches_the_caller():
    with pytest.raises(ZeroDivisionError):
        map_runs(divmod, [1, 0], label="quotients", shared=(1,))


@pytest.mark.usefixtures("on_cluster")
def test_what_is_shared_is_sent_once_to_each_worker(tmp_path):
    parcel = Parcel(np.ones(1_000_000, dtype=np.int64), tmp_path)
    found = map_runs(process_and_sum, range(12), label="parcels", shared=(parcel,))
    assert [total for _, total in found] == [1_000_000 + number for number in range(12)]
    workers = {str(process) for process, _ in found}
    assert len(workers) == 2
    assert len(list(tmp_path.glob(f"packed-{os.getpid()}-*"))) == 1
    assert sorted(path.name.split("-")[1] for path in tmp_path.glob("unpacked-*")) == sorted(workers)


@pytest.mark.usefixtures("on_cluster")
def test_copies_of_what_is_shared_stay_where_they_are(two_workers):
    """Dask's scheduler looks for copies too many every two seconds, if it is let."""
    with cluster.connected(two_workers) as client:
        (data,) = client.scatter([np.ones(10)], broadcast=True, hash=False)
        time.sleep(3)
        assert len(client.who_has([data])[data.key]) == 2


@pytest.mark.usefixtures("on_cluster")
def test_what_a_run_overwrites_does_not_reach_the_next():
    features = torch.arange(200_000) % 7
    total = int(features.sum())
    found = map_runs(overwritten_sum, [0, 1, 2, 3], label="sums", shared=(Split(features, features[:3]),))
    assert found == [total + number for number in range(4)]


# --- Workers that die ---


@pytest.fixture
def own_cluster(tmp_path, monkeypatch):
    """Starts a cluster for this test alone, where runs are sent."""
    with ExitStack() as stack:

        def start(num_workers: int, **variables):
            address = stack.enter_context(started_cluster(tmp_path, num_workers, **variables))
            monkeypatch.setenv("DLSTUDY_SCHEDULER", address)

        yield start


@pytest.mark.slow
@pytest.mark.parametrize("variables", [{}, NO_RETRY], ids=["by Dask", "by map_runs"])
def test_a_run_whose_worker_died_is_run_again(variables, own_cluster, tmp_path):
    own_cluster(2, **variables)
    assert map_runs(die_once, [0, 1, 2, 3], label="once", shared=(tmp_path,)) == [0, 1, 4, 9]
    assert (tmp_path / "died").exists()


@pytest.mark.slow
def test_a_run_under_way_when_another_is_given_up_is_finished_first(own_cluster, tmp_path):
    own_cluster(2, **NO_RETRY)
    assert map_runs(finish_after_a_death, [0, 1, 2], label="beside", shared=(tmp_path,)) == [0, 1, 4]
    assert [len(list(tmp_path.glob(f"began-{number}-*"))) for number in range(3)] == [1, 2, 1]


@pytest.mark.slow
def test_a_run_that_always_kills_its_worker_is_named_and_no_other(own_cluster):
    own_cluster(3, **NO_RETRY)
    complaint = r"^fatal: expected run 9 to finish, found that its process died 3 times \(out of memory\?\)$"
    with pytest.raises(StudyError, match=complaint):
        map_runs(die_always, [5, 7, 9, 11], label="fatal", shared=(9,))


@pytest.mark.slow
def test_data_that_went_down_with_the_only_worker_are_sent_again(scheduler, tmp_path, monkeypatch):
    with ExitStack() as stack:

        def run_on_a_new_worker(*arguments):
            stack.enter_context(started_workers(scheduler, WORKER))
            return cluster.run_on(*arguments)

        monkeypatch.setattr(execution, "run_on", run_on_a_new_worker)
        # Dask would retry, but has lost what the run needs.
        assert map_runs(die_once, [0, 1, 2, 3], label="once", shared=(tmp_path,)) == [0, 1, 4, 9]
    assert (tmp_path / "died").exists()


# --- Settings ---


def test_without_dask_the_error_names_the_variable_and_the_package(monkeypatch):
    monkeypatch.setenv("DLSTUDY_SCHEDULER", "tcp://127.0.0.1:8786")
    monkeypatch.setitem(sys.modules, "distributed", None)  # an import of it fails now
    with pytest.raises(SettingError, match=r"^DLSTUDY_SCHEDULER: expected .*`distributed`.*pip install distributed"):
        map_runs(is_not_run, [0], label="none")


@pytest.fixture
def new_clients(monkeypatch):
    """Those of Dask that a test makes and that are not yet collected, as they are by hand only."""
    clients, initialise = WeakSet(), Client.__init__

    def noted(client, *args, **options):
        clients.add(client)
        initialise(client, *args, **options)

    monkeypatch.setattr(Client, "__init__", noted)
    gc.disable()
    yield clients
    gc.enable()


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense://127.0.0.1:8786"])
def test_an_address_where_nothing_answers_is_an_error_that_leaves_no_client_open(address, monkeypatch, new_clients):
    monkeypatch.setenv("DLSTUDY_SCHEDULER", address)
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.5)
    with pytest.raises(SettingError, match=r"^DLSTUDY_SCHEDULER: expected the address of a Dask scheduler") as told:
        map_runs(is_not_run, [0], label="none")
    assert f"found '{address}'" in str(told.value)
    # One that is still open would close when it is collected: were that in the thread of the next, that one hangs.
    assert {client.status for client in new_clients} <= {"closed"}


def test_an_empty_variable_means_this_machine(monkeypatch):
    monkeypatch.setenv("DLSTUDY_SCHEDULER", "")
    assert map_runs(abs, [-1, 2], label="here") == [1, 2]


@pytest.mark.usefixtures("on_cluster")
@pytest.mark.parametrize("name", ["MKL_CBWR", "OMP_NUM_THREADS"])
def test_a_worker_with_other_variables_is_refused(name, monkeypatch):
    there = cluster.conditions()[name]
    monkeypatch.setenv(name, "other")
    with pytest.raises(SettingError, match=r"^DLSTUDY_SCHEDULER: worker tcp://127\.0\.0\.1:\d+: expected ") as told:
        map_runs(is_not_run, [0], label="none")
    assert f"expected {{'{name}': 'other'}}, found {{'{name}': {there!r}}}" in str(told.value)


@pytest.mark.usefixtures("on_cluster")
def test_a_worker_with_another_torch_is_refused(monkeypatch):
    monkeypatch.setattr(torch, "__version__", "1.0")
    with pytest.raises(SettingError, match=r"worker tcp:\S+: expected {'torch': '1\.0'}, found {'torch': '2\."):
        map_runs(is_not_run, [0], label="none")


@pytest.mark.usefixtures("on_cluster")
def test_a_worker_with_other_code_is_refused(monkeypatch):
    monkeypatch.setattr(cluster, "_code", lambda: "0123")
    with pytest.raises(SettingError, match=r"tcp:\S+: expected {'code': '0123'}, found {'code': '[0-9a-f]{12}'}"):
        map_runs(is_not_run, [0], label="none")


@pytest.mark.usefixtures("on_cluster")
def test_a_run_itself_refuses_a_worker_that_joined_later(monkeypatch):
    monkeypatch.setattr(cluster, "check_workers", lambda *_: None)
    monkeypatch.setenv("MKL_CBWR", "other")
    with pytest.raises(SettingError, match=r"worker tcp:\S+: expected {'MKL_CBWR': 'other'}"):
        map_runs(is_not_run, [0], label="none")


def test_the_code_is_told_apart_by_its_source():
    assert cluster._code() == cluster._code.__wrapped__()
    assert len(cluster._code()) == 12


# --- python -m tools.cluster ---


def test_a_worker_has_one_thread_whatever_it_is_given():
    assert command(["worker", "tcp://host:8786", "--nthreads", "4"])[-2:] == ["--nthreads", "1"]
    assert command(["scheduler", "--port", "0"])[-4:] == ["dask", "scheduler", "--port", "0"]


def test_the_module_path_of_a_worker_begins_with_this_checkout():
    assert surroundings({"PYTHONPATH": "other", "A": "b"}) == {
        "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}other",
        "A": "b",
        **KEEPS_COPIES,
    }
    assert surroundings({}) == {"PYTHONPATH": str(ROOT / "src"), **KEEPS_COPIES}


def test_a_scheduler_without_the_checkout_is_refused(tmp_path, monkeypatch):
    with started_scheduler(tmp_path, "dask", "scheduler", folder=tmp_path) as address:
        monkeypatch.setenv("DLSTUDY_SCHEDULER", address)
        with pytest.raises(SettingError, match=r"^DLSTUDY_SCHEDULER: scheduler tcp:\S+: expected this study's code"):
            map_runs(is_not_run, [0], label="none")


@pytest.mark.slow
def test_a_worker_started_as_documented_gives_the_same_bytes_by_itself(scheduler, images, tmp_path):
    with started_workers(scheduler, WORKER):
        save_runs(tmp_path / "there", train_seeds(images, MLP, [3, 0], label="mlp"))
        found = map_runs(eval, ["__import__('os').getpid()"] * 2, label="processes")
    save_runs(tmp_path / "here", [train_run(images, MLP, seed) for seed in (3, 0)])
    assert (tmp_path / "there").read_bytes() == (tmp_path / "here").read_bytes()
    assert found[0] == found[1] != os.getpid()


@pytest.mark.slow
def test_a_worker_without_the_checkout_is_refused(scheduler, tmp_path):
    with (
        started_workers(scheduler, ("dask", "worker", "--nthreads", "1"), folder=tmp_path),
        pytest.raises(SettingError, match=r"worker tcp:\S+: expected this study's code .*No module named 'dlstudy'"),
    ):
        map_runs(is_not_run, [0], label="none")


@pytest.mark.slow
def test_a_worker_with_more_than_one_thread_is_refused(scheduler):
    variables = {name: os.environ[name] for name in (*SINGLE_THREAD, *AVX2_KERNELS) if name in os.environ}
    program = ("dask", "worker", "--nthreads", "2")
    with (
        started_workers(scheduler, program, PYTHONPATH=str(ROOT / "src"), **variables),
        pytest.raises(SettingError, match=r"worker tcp:\S+: expected {'threads': '1'}, found {'threads': '2'}"),
    ):
        map_runs(is_not_run, [0], label="none")


@pytest.mark.usefixtures("scheduler")
def test_a_cluster_without_workers_is_an_error_soon(monkeypatch):
    monkeypatch.setattr(cluster, "WORKER_SECONDS", 0.5)
    with pytest.raises(
        SettingError, match=r"^DLSTUDY_SCHEDULER: expected workers at tcp:\S+ within 0\.5 s, found none"
    ):
        map_runs(is_not_run, [0], label="none")
