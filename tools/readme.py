"""The generated parts of README.md and README.zh.md: `make readme` brings them up to date, a test checks that they are.

A part stands between `<!-- begin NAME -->` and `<!-- end NAME -->`.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
DOCUMENTS: Final = ("README.md", "README.zh.md")


def dag() -> str:
    """The stages and how they hang together, as DVC draws them: a mermaid chart."""
    command = [sys.executable, "-m", "dvc", "dag", "--md", "--collapse-foreach-matrix"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def speed() -> str:
    """The table of bench/README.md's headline ratios."""
    measured: dict[str, Any] = json.loads((ROOT / "bench" / "results.json").read_text(encoding="utf-8"))
    ratio = measured["ratios"]
    return json.dumps(ratio)


PARTS: Final[Mapping[str, Callable[[], str]]] = {"dag": dag, "speed": speed}


def updated(text: str, parts: Mapping[str, str]) -> str:
    """The text with each part that it has a place for put between its markers; ValueError for a marker alone."""
    for name, content in parts.items():
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        if text.count(begin) != text.count(end) or text.count(begin) > 1:
            raise ValueError(f"expected {begin} and {end} once or not at all, found them {text.count(begin)} times")
        if begin in text:
            before, rest = text.split(begin)
            text = f"{before}{begin}\n{content}\n{end}{rest.split(end)[1]}"
    return text


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 where something is out of date")
    check = parser.parse_args().check
    parts = {name: content() for name, content in PARTS.items()}
    stale = []
    for document in DOCUMENTS:
        path = ROOT / document
        old = path.read_text(encoding="utf-8")
        new = updated(old, parts)
        if new != old:
            stale.append(document)
            if not check:
                path.write_text(new, encoding="utf-8")
    print(("Out of date: " if check else "Brought up to date: ") + (", ".join(stale) or "nothing"))
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
