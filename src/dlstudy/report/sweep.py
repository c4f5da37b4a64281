"""What one run a setting would have said, read off the ladder: the protocol of a sweep that others have published."""

from typing import Any

import pandas as pd

from dlstudy.study.ladder import POINTS, Cell, Ladder
from dlstudy.study.results import Results

Context = dict[str, Any]


def sweep_context(results: Results) -> Context:
    ladder = Ladder(results)
    rows = [single_run_row(ladder, cell) for cell in ladder.living]
    return {
        "protocol": results.study.ladder.protocol,
        "activations": ladder.activations,
        "image_set": results.image_set(),
        "rows": rows,
        "num_runs": sum(row["num_seeds"] for row in rows),
        "num_agreeing": sum(row["num_agreeing"] for row in rows),
    }


def single_run_row(ladder: Ladder, cell: Cell) -> Context:
    """Of a cell: the activation with the highest mean test accuracy, and what each seed by itself would have named.

    `spread` is the standard deviation over seeds of that activation, in accuracy points.
    """
    table = pd.DataFrame({name: ladder.scores(name, cell) for name in ladder.activations})
    best = str(table.mean().idxmax())
    named = table.idxmax(axis=1)
    return {
        "cell": cell,
        "best": best,
        "spread": POINTS * table[best].std(),
        "num_seeds": len(named),
        "num_agreeing": int((named == best).sum()),
        "others": sorted(set(named) - {best}),
    }
