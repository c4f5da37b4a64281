"""Do the committed results belong to the committed code, parameters and lock? Needs neither data nor models.

`dvc repro --dry --allow-missing` tells what it would run, and exits with 0 whether that is something or nothing.
"""

import re
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Final

from tools.checkout import ROOT, read_params

PER_MODEL: Final = ("metrics", "results/history", "results/evaluation")
OF_NO_MODEL: Final = {"verdicts"}


def stale_stages(output: str) -> list[str]:
    """The stages that a dry run says it would run."""
    return re.findall(r"^Running stage '([^']+)'", output, flags=re.MULTILINE)


def unexplained(root: Path, models: Collection[str]) -> list[str]:
    """Results of models that params.yaml does not name: left by an experiment or by a removed model."""
    explained = {*models, *OF_NO_MODEL}
    found = [path for folder in PER_MODEL for path in (root / folder).iterdir() if path.stem not in explained]
    return sorted(path.relative_to(root).as_posix() for path in found)


def main() -> int:
    params = read_params(ROOT)
    leftovers = unexplained(ROOT, [*params["train"], *params["vision"]])
    if leftovers:
        print("Results of models that params.yaml does not name; delete them, then run `dvc repro`:")
        print("\n".join(f"  {name}" for name in leftovers))
        return 1
    command = [sys.executable, "-m", "dvc", "repro", "--dry", "--allow-missing"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        print(run.stdout + run.stderr, file=sys.stderr)
        return run.returncode
    stale = stale_stages(run.stdout)
    if stale:
        print("Committed results are not those of the committed code, data and parameters. Out of date:")
        print("\n".join(f"  {name}" for name in stale))
        print("Run `dvc repro` and commit dvc.lock with the results.")
        return 1
    print("Committed results are up to date.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
