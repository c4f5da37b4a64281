"""What is kept of a training is kept under a hash of all the code that its numbers come from."""

import pytest

from dlstudy.experiments.activation_outputs.run import SCORED_BY as SCORES_OUTPUTS
from dlstudy.experiments.losses.run import SCORED_BY as SCORES_LOSSES
from dlstudy.tuning.jobs import SOURCE, WHAT_TRAINS
from tests.import_closure import closure

OF_NO_NUMBER = {
    *(f"core/base/{name}.py" for name in ("artifacts", "errors", "params")),
    *(f"core/{name}.py" for name in ("cluster", "execution")),
}
"""How files are written, where jobs run, what errors say, how params.yaml is read."""

STEPS = "tuning/params.py"  # rates by their place in the grid: a trial says its rate, by which it is kept


@pytest.mark.parametrize(
    ("module", "also"),
    [
        ("dlstudy.tuning.jobs", ()),  # of the ladder and the rates of the MLPs
        ("dlstudy.experiments.losses.scores", (SCORES_LOSSES,)),
        ("dlstudy.experiments.activation_outputs.logits", (SCORES_OUTPUTS,)),
    ],
)
def test_the_hash_covers_what_scores_and_all_that_it_imports(module, also):
    hashed = [SOURCE / name for name in (*WHAT_TRAINS, *also)]
    assert all(path.exists() for path in hashed)
    imported = {path for path in closure(module) if path.name != "__init__.py"}
    missing = {path for path in imported if not any(path == each or each in path.parents for each in hashed)}
    assert {path.relative_to(SOURCE).as_posix() for path in missing} <= {*OF_NO_NUMBER, STEPS}
