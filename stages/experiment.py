"""Run an experiment and write its tables and facts: `python -m stages.experiment losses`."""

import sys
from importlib import import_module
from pathlib import Path

import dlstudy.experiments
from dlstudy.core.artifacts import write_folder
from dlstudy.core.errors import StudyError
from dlstudy.core.params import load_section
from dlstudy.training.params import SEEDS

TIMED = ("activation_cost",)  # what depends on wall-clock time stays apart from all that is reproducible


def names() -> list[str]:
    """The experiments: each a folder with a module `run`."""
    return sorted(path.parent.name for path in Path(dlstudy.experiments.__path__[0]).glob("*/run.py"))


if __name__ == "__main__":
    name = " ".join(sys.argv[1:])
    if name not in names():
        raise StudyError(f"python -m stages.experiment: expected one of {', '.join(names())}, found {name or 'none'}")
    folder = Path("timing" if name in TIMED else "results/experiments") / name
    experiment = import_module(f"dlstudy.experiments.{name}.run")
    params = load_section(getattr(experiment, "SECTION", f"experiments.{name}"), experiment.PARAMS)
    seeds = load_section("seeds", SEEDS)
    write_folder(folder, experiment.run(experiment.load(), params, seeds))
