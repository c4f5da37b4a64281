"""What a killed run leaves of its work."""

import pytest

from tests.pipeline import Checkout
from tools.comparison import files_below


@pytest.mark.slow
def test_a_pipeline_that_is_killed_keeps_what_it_has_finished(tmp_path):
    checkout = Checkout(tmp_path)
    climbed = ["ladder@sigmoid", "ladder@tanh", "ladder@relu"]
    finished = checkout.dvc_killed_in_the_second("ladder", "repro", *climbed)
    ran = {stage for stage in checkout.dvc("repro", *climbed) if stage.startswith("ladder@")}
    assert ran == set(climbed) - finished
    resumed = files_below(checkout.root, {"results/ladder": ""})
    assert {path.split("/")[2] for path in resumed} == {"sigmoid", "tanh", "relu"}
    checkout.dvc("repro", "--force", "--single-item", *climbed)  # in one go
    assert files_below(checkout.root, {"results/ladder": ""}) == resumed
