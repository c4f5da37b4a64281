"""Before any work, refuse a checkout that cannot run, and parameters and statements that cannot be right."""

from pathlib import Path

from dlstudy.core.base.artifacts import write_text
from dlstudy.data.image_sets import DATASETS
from dlstudy.judging.register import load_register
from dlstudy.judging.statements import load_statements
from dlstudy.study.params import load_study
from dlstudy.study.preflight import check

if __name__ == "__main__":
    check(Path())
    load_study(datasets=DATASETS)
    load_statements()
    load_register()
    # Always the same content, so that what follows runs again only for parameters of its own.
    write_text(Path("data/params_check.txt"), "params.yaml is as it should be\n")
