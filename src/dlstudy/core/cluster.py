"""Independent runs on a Dask cluster, when the user names its scheduler.

Dask is imported inside functions: who names no scheduler needs none. Every worker has to compute as this process does,
by the same code; that is checked on connecting, and again by each run, as workers may join later.
"""

import copy
import gc
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from dlstudy.core.base.arithmetic import AVX2_KERNELS, SINGLE_THREAD
from dlstudy.core.base.errors import SettingError

VARIABLE: Final = "DLSTUDY_SCHEDULER"
CONNECT_SECONDS: Final = 10.0
"""How long the scheduler has to answer."""

WORKER_SECONDS: Final = 10.0
"""How long, after that, a first worker has to be there."""

Run = tuple[int, Any]  # the number of an item, and the item or its result


class WorkerDied(Exception):  # noqa: N818 - an event that is answered, no error that a user sees
    """Processes died; by number of the run, how many times one did that had been given it."""

    def __init__(self, times: Mapping[int, int]) -> None:
        super().__init__(times)
        self.times = times


def scheduler() -> str | None:
    """The address that the user set, if any."""
    return os.environ.get(VARIABLE) or None


def run_on(address: str, function: Callable[..., Any], runs: Sequence[Run], shared: tuple[Any, ...]) -> Iterator[Run]:
    """The number and result of each run as it finishes; `shared` is sent once to each worker there is.

    Raises SettingError before any run if the cluster is not fit for them. Once Dask gives a run up, no further one
    begins, and WorkerDied comes when those under way have ended: what is tried next has nothing left beside it.
    """
    with connected(address) as client:
        expected = conditions()
        check_scheduler(client)
        check_workers(client, expected)
        # Names of their own (hash=False): Dask names data by their content, and would mistake what is sent again for
        # what it is about to forget.
        data = client.scatter(list(shared), broadcast=True, hash=False) if shared else []
        name = f"runs-{uuid4()}"
        futures = (
            client.submit(_run_there, function, expected, item, *data, key=(name, number)) for number, item in runs
        )
        yield from _results(client, futures)


def _results(client: Any, futures: Iterator[Any]) -> Iterator[Run]:
    """The number, from its future's key, and the result of each run; futures are drawn, and so submitted, as it goes.

    As many are out as the workers have threads: one that waits at a worker behind another would be suspected with it.
    """
    from distributed import CancelledError, KilledWorker, as_completed

    died: dict[int, int] = {}
    num_threads = sum(client.nthreads().values())
    under_way = as_completed(list(islice(futures, num_threads)), loop=client.loop)
    for future in under_way:
        _, number = future.key
        try:
            yield number, future.result()
        except KilledWorker as killed:
            died[number] = killed.allowed_failures + 1
        except CancelledError:  # the shared data were lost with the last worker
            died[number] = 1
        under_way.update(list(islice(futures, 0 if died else 1)))
    if died:
        raise WorkerDied(died)


def _run_there(function: Callable[..., Any], expected: Mapping[str, str], item: Any, *shared: Any) -> Any:
    from distributed import get_worker

    check(get_worker().address, conditions(), expected)
    # The worker keeps one copy for all its runs: what one writes into it must not reach the next.
    return function(*copy.deepcopy(shared), item)


# --- The connection ---


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """A client of the scheduler; SettingError if Dask is not installed, or nothing answers there."""
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise SettingError(
            f"{VARIABLE}: expected Dask's package `distributed`, found it is not installed (pip install distributed), "
            "or leave the variable unset"
        ) from None
    client = complaint = None
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        complaint = str(error)
    if client is None:
        # Of an address that it can't read, Dask leaves a client behind which closes when it is collected. Were that in
        # the thread that the next client starts, the two would wait for each other: so it is collected in this one.
        gc.collect()
        raise SettingError(
            f"{VARIABLE}: expected the address of a Dask scheduler that answers within {CONNECT_SECONDS:g} s, such as "
            f"tcp://host:8786, found {address!r}: {complaint}"
        )
    with client:
        yield client


# --- The same arithmetic everywhere ---


def conditions() -> dict[str, str]:
    """All that results of this process depend on and that may differ elsewhere, by name."""
    import torch

    variables = {name: os.environ.get(name, "") for name in (*SINGLE_THREAD, *AVX2_KERNELS)}
    threads = str(torch.get_num_threads())
    return {"code": _code(), "torch": str(torch.__version__), "torch's threads": threads, **variables}


@cache
def _code() -> str:
    """A checksum of this library's source, shortened."""
    files = sorted(Path(__file__).parents[1].rglob("*.py"))
    return sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def check_scheduler(client: Any) -> None:
    """SettingError if the scheduler, which unpacks every call to look for data in it, has not this code."""
    try:
        found = client.run_on_scheduler(_code)
    except Exception as error:  # whatever kept it from importing this module
        found = error
    if found != _code():
        raise SettingError(
            f"{VARIABLE}: scheduler {client.scheduler.address}: expected this study's code ({_code()}), found {found}; "
            "start it from the same checkout by `python -m tools.cluster` (docs/execution.md)"
        )


def check_workers(client: Any, expected: Mapping[str, str]) -> None:
    """SettingError that names the first worker which would not compute as expected; at least one has to be there."""
    try:
        client.wait_for_workers(1, timeout=WORKER_SECONDS)
    except TimeoutError:
        raise SettingError(
            f"{VARIABLE}: expected workers at {client.scheduler.address} within {WORKER_SECONDS:g} s, found none"
        ) from None
    threads = client.nthreads()
    for worker, found in sorted(client.run(conditions, on_error="return").items()):
        if isinstance(found, BaseException):
            raise SettingError(f"{VARIABLE}: worker {worker}: expected this study's code and torch, found {found}")
        check(worker, found | {"threads": str(threads.get(worker, 1))}, {**expected, "threads": "1"})


def check(worker: str, found: Mapping[str, str], expected: Mapping[str, str]) -> None:
    """SettingError that names the worker and all that differs."""
    names = [name for name, value in expected.items() if found.get(name) != value]
    if names:
        wanted, there = ({name: values.get(name) for name in names} for values in (expected, found))
        raise SettingError(
            f"{VARIABLE}: worker {worker}: expected {wanted}, found {there}; start workers from the same checkout by "
            "`python -m tools.cluster` (docs/execution.md)"
        )
