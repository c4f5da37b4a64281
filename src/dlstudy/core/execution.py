"""Independent runs, mapped over processes or over a cluster. Which, and how many, is the user's affair.

Environment variables say so, not params.yaml, since no result depends on it.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar

from joblib import Parallel, cpu_count, delayed
from joblib.externals.loky.process_executor import TerminatedWorkerError
from tqdm import tqdm

from dlstudy.core.base.errors import SettingError, StudyError
from dlstudy.core.cluster import Run, WorkerDied, run_on, scheduler

VARIABLE: Final = "DLSTUDY_PROCESSES"
MOST_DEATHS: Final = 2
"""How many processes may die with a run among others; after that, it is tried once more on its own."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def num_processes() -> int:
    """How many processes to use: DLSTUDY_PROCESSES, else the cores that this process may use."""
    found = os.environ.get(VARIABLE)
    if not found:
        return int(cpu_count())
    if not found.isascii() or not found.isdigit() or int(found) < 1:
        raise SettingError(f"{VARIABLE}: expected a number of processes, 1 or more, found {found!r}")
    return int(found)


def map_runs(
    function: Callable[..., Result], items: Sequence[Item], *, label: str, shared: tuple[Any, ...] = ()
) -> list[Result]:
    """function(*shared, item) of each item, in the order of the items.

    Computed by `num_processes()` processes, or by the cluster whose scheduler DLSTUDY_SCHEDULER names. Large data
    belong into `shared`: processes get NumPy arrays (and so a Split) through one memory map, a cluster's workers get
    everything once; tensors and what stands in items is copied for every item.

    An exception in a run reaches the caller. A run whose process dies is tried again; StudyError names it when it dies
    with nothing beside it. With one process there is no other than this one, which dies then.
    """
    results: dict[int, Result] = {}
    deaths: Counter[int] = Counter()
    processes, address = min(num_processes(), len(items)), scheduler()
    with tqdm(total=len(items), desc=label, unit="run") as bar:
        while left := [number for number in range(len(items)) if number not in results]:
            alone = [number for number in left if deaths[number] >= MOST_DEATHS][:1]
            runs = [(number, items[number]) for number in alone or left]
            try:
                found = run_on(address, function, runs, shared) if address else _run(function, runs, shared, processes)
                for number, result in found:
                    results[number] = result
                    bar.update()
            except WorkerDied as died:
                deaths.update({number: times for number, times in died.times.items() if number not in results})
                if alone:
                    raise StudyError(
                        f"{label}: expected run {items[alone[0]]!r} to finish, found that its process died "
                        f"{deaths[alone[0]]} times (out of memory?)"
                    ) from None
    return [results[number] for number in range(len(items))]


def _run(
    function: Callable[..., Result], runs: Sequence[Run], shared: tuple[Any, ...], processes: int
) -> Iterator[tuple[int, Result]]:
    """As `run_on`, by processes of this machine; when one dies, joblib ends all, and WorkerDied names what they ran."""
    given: list[int] = []

    def calls() -> Iterator[Any]:
        for number, item in runs:
            given.append(number)
            yield delayed(_numbered)(number, function, item, *shared)

    # As many at a time as there are processes, so that what was given and did not come back was being run.
    workers = Parallel(
        n_jobs=processes, return_as="generator_unordered", mmap_mode="c", batch_size=1, pre_dispatch="n_jobs"
    )
    try:
        yield from workers(calls())
    except TerminatedWorkerError:
        raise WorkerDied(dict.fromkeys(given, 1)) from None


def _numbered(number: int, function: Callable[..., Result], item: Any, *shared: Any) -> tuple[int, Result]:
    return number, function(*shared, item)
