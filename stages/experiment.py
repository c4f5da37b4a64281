"""Run an experiment and write its tables and facts: `python -m stages.experiment losses`, or `mlp_rates mlp_relu`."""

import sys
from importlib import import_module
from pathlib import Path

import dlstudy.experiments
from dlstudy.core.base.artifacts import write_folder
from dlstudy.core.base.errors import StudyError
from dlstudy.core.base.params import load_section
from dlstudy.core.params import SEEDS

TIMED = ("activation_cost",)  # what depends on wall-clock time stays apart from all that is reproducible

OF_A_MODEL = ("mlp_rates",)  # experiments on one model at a time, which is named after them


def names() -> list[str]:
    """The experiments: each a folder with a module `run`."""
    return sorted(path.parent.name for path in Path(dlstudy.experiments.__path__[0]).glob("*/run.py"))


if __name__ == "__main__":
    name, *models = sys.argv[1:] or [""]
    if name not in names() or len(models) != (name in OF_A_MODEL):
        raise StudyError(
            f"python -m stages.experiment: expected one of {', '.join(names())}, and a model after "
            f"{' and '.join(OF_A_MODEL)}, found {' '.join(sys.argv[1:]) or 'none'}"
        )
    folder = Path("timing" if name in TIMED else "results/experiments", name, *models)
    experiment = import_module(f"dlstudy.experiments.{name}.run")
    params = load_section(getattr(experiment, "SECTION", f"experiments.{name}"), experiment.PARAMS)
    seeds = load_section("seeds", SEEDS)
    write_folder(folder, experiment.run(experiment.load(*models), params, seeds))
