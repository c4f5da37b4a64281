"""A Dask cluster that computes as the study does: `python -m tools.cluster scheduler`, `... worker tcp://host:8786`.

To be started from the root of a checkout, everywhere the same. What follows the first word are options of `dask
scheduler` or `dask worker`. The arithmetic is settled and this checkout's `src` put on the module path before Dask
begins, because that imports NumPy; a worker has one thread. The scheduler does not thin out the copies of shared data,
as Dask's does by default every two seconds, since every run needs them: a worker would be sent them again.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from dlstudy.core.base.arithmetic import settle
from tools.checkout import ROOT

KEEPS_COPIES: Final = {"DASK_DISTRIBUTED__SCHEDULER__ACTIVE_MEMORY_MANAGER__START": "false"}


def command(arguments: Sequence[str]) -> list[str]:
    """What starts Dask with these arguments; of several `--nthreads`, Dask takes the last."""
    one_thread = ["--nthreads", "1"] if arguments[:1] == ["worker"] else []
    return [sys.executable, "-m", "dask", *arguments, *one_thread]


def surroundings(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with this checkout's `src` first on Python's module path, and all copies kept."""
    path = os.pathsep.join(filter(None, [str(ROOT / "src"), environment.get("PYTHONPATH")]))
    return {**KEEPS_COPIES, **environment, "PYTHONPATH": path}


def main() -> None:
    settle()
    started = command(sys.argv[1:])
    os.execve(started[0], started, surroundings(os.environ))


if __name__ == "__main__":
    main()
