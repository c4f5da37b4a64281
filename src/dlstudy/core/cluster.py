"""Independent runs on a Dask cluster, through joblib's own backend for it, when the user names a scheduler.

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
from pathlib import Path
from typing import Any, Final

from joblib import Parallel, delayed

from dlstudy.core.arithmetic import AVX2_KERNELS, SINGLE_THREAD
from dlstudy.core.errors import SettingError

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


def run_on(
    address: str, function: Callable[..., Any], runs: Sequence[Run], shared: tuple[Any, ...]
) -> Iterator[tuple[int, Any]]:
    """The number and result of each run as it finishes; `shared` is sent once to each worker there is.

    Raises SettingError before any run if the cluster is not fit for them, WorkerDied when Dask gives a run up.
    """
    with connected(address) as client:
        expected = conditions()
        check_scheduler(client)
        check_workers(client, expected)
        calls = (delayed(_run_there)(number, function, item, expected, *shared) for number, item in runs)
        # As many calls at a time as there are workers: one that waits behind another would be suspected with it.
        yield from Parallel(
            backend=_backend(client, shared), return_as="generator_unordered", batch_size=1, pre_dispatch="n_jobs"
        )(calls)


def _run_there(number: int, function: Callable[..., Any], item: Any, expected: Mapping[str, str], *shared: Any) -> Run:
    from distributed import get_worker

    check(get_worker().address, conditions(), expected)
    # The worker keeps one copy for all its runs: what one writes into it must not reach the next.
    return number, function(*copy.deepcopy(shared), item)


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


def _backend(client: Any, shared: tuple[Any, ...]) -> Any:
    """Joblib's backend for Dask with the shared arguments sent to every worker, and two of its gaps closed."""
    from distributed.client import FutureCancelledError
    from distributed.scheduler import KilledWorker
    from joblib._dask import DaskDistributedBackend

    class Backend(DaskDistributedBackend):  # type: ignore[misc]
        def effective_n_jobs(self, n_jobs: int) -> int:
            # Of one worker, joblib would make no use and run everything in this process.
            return max(2, int(super().effective_n_jobs(n_jobs)))

        def submit(self, func: Any, callback: Any = None) -> Any:
            """Tell joblib also of a task that Dask gave up: by itself it would wait for that one for ever."""
            ((_, (number, *_), _),) = func.items
            future = super().submit(func, lambda found: callback(told(number, found)))
            future.add_done_callback(lambda done: done.exception() and callback(told(number, done.exception())))
            return future

    def told(number: int, found: Any) -> Any:
        """What came of a run: WorkerDied for what Dask raises when it loses workers, or data with them."""
        if isinstance(found, KilledWorker):
            return WorkerDied({number: found.allowed_failures + 1})
        return WorkerDied({number: 1}) if isinstance(found, FutureCancelledError) else found

    backend = Backend(client=client)
    # As joblib does for its `scatter`, but under names of their own: Dask names data by their content, and mistakes
    # what is sent again for what it is about to forget.
    futures = client.scatter(list(shared), broadcast=True, hash=False) if shared else ()
    backend.data_futures = {id(value): future for value, future in zip(shared, futures, strict=True)}
    return backend


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
