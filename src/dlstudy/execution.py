"""Independent runs, mapped over processes. How many is the user's affair and changes no result."""

import os
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from joblib import Parallel, cpu_count, delayed
from tqdm import tqdm

from dlstudy.errors import SettingError

VARIABLE: Final = "DLSTUDY_PROCESSES"
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


def map_runs(function: Callable[[Item], Result], items: Sequence[Item], *, label: str) -> list[Result]:
    """The function of each item, in the order of the items, computed by `num_processes()` processes.

    Large NumPy arrays inside the function (a `functools.partial`, say) are shared through a memory map, once for
    all processes; tensors would be copied for every item.
    """
    workers = Parallel(
        n_jobs=min(num_processes(), len(items)), return_as="generator", mmap_mode="c", pre_dispatch="all"
    )
    results = workers(delayed(function)(item) for item in items)
    return list(tqdm(results, total=len(items), desc=label, unit="run"))
