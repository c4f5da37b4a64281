"""Before any work, refuse a checkout that cannot run and a params.yaml that cannot be right, with all that is wrong."""

from pathlib import Path

from dlstudy.core.artifacts import write_text
from dlstudy.data.image_sets import DATASETS
from dlstudy.study.params import load_study
from dlstudy.study.preflight import check

if __name__ == "__main__":
    check(Path())
    load_study(datasets=DATASETS)
    # Always the same content, so that what follows runs again only for parameters of its own.
    write_text(Path("data/params_check.txt"), "params.yaml is as it should be\n")
