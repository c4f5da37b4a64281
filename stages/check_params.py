"""Read params.yaml and all statements, and refuse them, with everything that is wrong, before any work is done."""

from pathlib import Path

from dlstudy.core.artifacts import write_text
from dlstudy.data.image_sets import DATASETS
from dlstudy.judging.register import load_register
from dlstudy.judging.statements import load_statements
from dlstudy.study.params import load_study

if __name__ == "__main__":
    load_study(datasets=DATASETS)
    load_statements()
    load_register()
    # Always the same content, so that what follows runs again only for parameters of its own.
    write_text(Path("data/params_check.txt"), "params.yaml is as it should be\n")
