"""Climb the ladder of training budgets: `python -m stages.ladder activation relu`, or `arm momentum`."""

import sys
from pathlib import Path

import pandas as pd

from dlstudy.core.base.artifacts import write_csv
from dlstudy.core.base.dataset import load_dataset
from dlstudy.core.base.params import load_section
from dlstudy.experiments.ladder.climbing import ladder
from dlstudy.experiments.ladder.params import Arm, Protocol
from dlstudy.tuning.jobs import Memo
from dlstudy.tuning.stacks import Images

MEMO = Path("data/ladder")  # of finished jobs: a climb that was interrupted goes on from there

if __name__ == "__main__":
    kind, name = sys.argv[1:]
    protocol = load_section("ladder.protocol", Protocol)
    activations: tuple[str, ...] = (name,)
    if kind == "arm":
        arm = load_section(f"ladder.arms.{name}", Arm)
        protocol, activations = arm.protocol(protocol), arm.activations
    MEMO.mkdir(parents=True, exist_ok=True)
    images = Images.of(load_dataset(Path("data/prepared/images.pt")))
    memo = Memo.of(MEMO, images)
    found = [ladder(images, memo, activation, protocol, activation) for activation in activations]
    for table in found[0]:
        write_csv(Path(f"results/ladder/{name}/{table}.csv"), pd.concat([tables[table] for tables in found]))
