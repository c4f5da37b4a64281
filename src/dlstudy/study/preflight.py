"""Find beforehand what would stop a later stage: DVC deletes what a stage has written before it runs it again."""

import json
import os
import platform
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from dlstudy.core.base import arithmetic
from dlstudy.core.base.errors import StudyError

PACKAGES: Final = (
    *("torch", "torchvision", "pandas", "numpy", "scipy"),
    *("sklearn", "matplotlib", "jinja2", "PIL", "joblib"),
)
WRITTEN: Final = ("data", "models", "results", "metrics", "reports", "timing", "tmp")
FIRST_OUTPUT: Final = "data/params_check.txt"
MEGABYTE: Final = 10**6
SPACE: Final = {True: 200, False: 1000}  # megabytes: a full study, its data included, wrote 640


class PreflightError(StudyError):
    """The pipeline cannot run here; the message says why and what to do."""


def check(root: Path) -> None:
    """Raise PreflightError with all that stands in the way of running the pipeline in this checkout."""
    found = [*missing_packages(), *missing_kernels(), *unusable_proxy(root)]
    found += [*unwritable(root), *too_little_space(root), *other_runs(root)]
    if found:
        raise PreflightError("\n  ".join(["nothing was run and nothing deleted:", *found]))


def missing_packages() -> Iterator[str]:
    if missing := [name for name in PACKAGES if find_spec(name) is None]:
        yield f"Python packages: expected {', '.join(missing)} in .venv, found none; run `make setup`"


def missing_kernels(cpu: Path = Path("/proc/cpuinfo")) -> Iterator[str]:
    """A processor of x86-64 without AVX2 would end PyTorch in the middle of a stage, without a message."""
    portable = (os.environ.get(arithmetic.VARIABLE) or "portable") == "portable"
    if not portable or platform.machine().lower() not in ("x86_64", "amd64") or not cpu.is_file():
        return
    flags = next((line.split() for line in cpu.read_text().splitlines() if line.startswith("flags")), None)
    if flags is not None and "avx2" not in flags:
        yield (
            "processor: expected AVX2, which portable arithmetic needs, found none; "
            f"{arithmetic.VARIABLE}=native runs here, with other last bits"
        )


def unusable_proxy(root: Path) -> Iterator[str]:
    """Python's downloads go through HTTP proxies only; of no account once the raw images are there."""
    proxy = os.environ.get("https_proxy") or os.environ.get("HTTPS_PROXY") or ""
    if proxy.startswith("socks") and not (root / "data/raw/images").is_dir():
        yield (
            "HTTPS_PROXY: expected an HTTP proxy, found a SOCKS proxy, which downloads cannot go through; "
            "name an HTTP proxy, or unset it and name a folder that has the files (README, Two commands)"
        )


def unwritable(root: Path) -> Iterator[str]:
    """The folders and files that DVC or a stage will write and this user may not."""
    folders = [root, root / ".dvc", root / ".dvc/tmp"]
    folders += [folder for name in WRITTEN for folder in (root / name, *(root / name).rglob("*/"))]
    for path in [*folders, root / "dvc.lock", root / "stages/dvc.lock"]:
        if path.exists() and not os.access(path, os.W_OK):
            yield f"{path}: expected to be allowed to write, found that it is read-only; `chmod u+w '{path}'` allows it"


def too_little_space(root: Path) -> Iterator[str]:
    needed, free = SPACE[(root / "data/raw/images").is_dir()], shutil.disk_usage(root).free // MEGABYTE
    if free < needed:
        yield f"disk: expected {needed} MB free for data, models and DVC's cache, found {free} MB"


def other_runs(root: Path) -> Iterator[str]:
    """Other DVC commands at work in this checkout, by DVC's own list of who writes and reads what."""
    try:
        content = json.loads((root / ".dvc/tmp/rwlock").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return  # not there, or being written
    held = list(content.get("write", {}).items())
    held += [(path, entry) for path, entries in content.get("read", {}).items() for entry in entries]
    first = str((root / FIRST_OUTPUT).resolve())
    own = {entry["pid"] for path, entry in held if path == first}
    for pid, command in sorted({(entry["pid"], entry["cmd"]) for _, entry in held} if own else ()):
        if pid not in own and _is_alive(pid):
            yield f"DVC: expected no other run here, found `{command}` (process {pid}); wait until it has ended"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
