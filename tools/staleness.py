"""Do the committed results belong to the committed code, parameters and lock? Needs neither data nor models.

`dvc repro --dry --allow-missing` prints what it would run, and always exits with 0. It is
asked in a copy without data and models: to DVC an empty folder, as `dvc pull` may leave it, is changed, not missing.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tools.checkout import NO_GIT, NOT_COPIED, ROOT, read_params

PER_MODEL: Final = ("metrics", "results/history", "results/evaluation")
OF_NO_MODEL: Final = {"verdicts"}
CHECK: Final = "stages/dvc.yaml:check_params"  # it writes no result
NOT_IN_GIT: Final = {"data", "models", "tmp", "dvc_plots"}


def stale_stages(output: str) -> list[str]:
    """The stages that a dry run says it would run."""
    return re.findall(r"^Running stage '([^']+)'", output, flags=re.MULTILINE)


def unexplained(root: Path, models: Collection[str]) -> list[str]:
    """Results of models that params.yaml does not name: left by an experiment or by a removed model."""
    explained = {*models, *OF_NO_MODEL}
    found = [path for folder in PER_MODEL for path in (root / folder).iterdir() if path.stem not in explained]
    return sorted(path.relative_to(root).as_posix() for path in found)


@contextmanager
def without_data(root: Path) -> Iterator[Path]:
    """A copy of the checkout as a clone would have it, without data, models and history; its files are hard links."""
    (root / "tmp").mkdir(exist_ok=True)  # on the same disk, so that links are possible
    with tempfile.TemporaryDirectory(dir=root / "tmp") as temporary:
        copy = Path(temporary)
        names = [path for path in root.iterdir() if path.name not in NOT_IN_GIT and not path.name.startswith(".")]
        for path in [*names, root / ".dvcignore"]:
            if path.is_dir():
                shutil.copytree(path, copy / path.name, copy_function=os.link, ignore=NOT_COPIED)
            else:
                os.link(path, copy / path.name)
        shutil.copytree(root / ".dvc", copy / ".dvc", ignore=NOT_COPIED)
        (copy / ".dvc/config.local").write_text(NO_GIT, encoding="utf-8")
        yield copy


def main() -> int:
    params = read_params(ROOT)
    leftovers = unexplained(ROOT, [*params["train"], *params["vision"]])
    if leftovers:
        print("Results of models that params.yaml does not name; delete them, then run `dvc repro`:")
        print("\n".join(f"  {name}" for name in leftovers))
        return 1
    command = [sys.executable, "-m", "dvc", "repro", "--dry", "--allow-missing"]
    with without_data(ROOT) as copy:
        run = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        print(run.stdout + run.stderr, file=sys.stderr)
        return run.returncode
    if stale := stale_stages(run.stdout):
        print("Committed results are not those of the committed code, data and parameters. Out of date:")
        print("\n".join(f"  {name}" for name in stale))
        print("Run `dvc repro` and commit dvc.lock and stages/dvc.lock with the results.")
        return 1
    print("Committed results are up to date.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
