"""Name the packages of .venv that are not those that requirements.txt pins."""

import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from packaging.requirements import Requirement
from packaging.version import Version

from tools.checkout import ROOT

REMEDY: Final = "run `python -m pip install --requirement requirements.txt`"


def installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def others(lock: str, found: Callable[[str], str | None] = installed) -> Iterator[str]:
    """A line for each package that a requirements.txt pins for this platform and that is absent or another version."""
    lines = (line.strip() for line in lock.splitlines())
    for wanted in (Requirement(line) for line in lines if line and not line.startswith("#")):
        if wanted.marker is not None and not wanted.marker.evaluate():
            continue
        have = found(wanted.name)
        if have is None or Version(have).public not in wanted.specifier:
            yield f"{wanted.name}: expected {wanted.specifier} of requirements.txt, found {have or 'none'}; {REMEDY}"


def main() -> int:
    found = list(others((ROOT / "requirements.txt").read_text(encoding="utf-8")))
    print("\n".join(found or ["The packages of .venv are those of requirements.txt."]))
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
