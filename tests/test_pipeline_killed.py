"""What a killed run leaves of its work."""

from tests.pipeline import Checkout
from tools.reproduce import files_below


def test_a_pipeline_that_is_killed_keeps_what_it_has_finished(tmp_path):
    checkout = Checkout(tmp_path)
    swept = ["sweep@sigmoid", "sweep@tanh", "sweep@relu"]
    finished = checkout.dvc_killed_in_the_second("sweep", "repro", *swept)
    ran = {stage for stage in checkout.dvc("repro", *swept) if stage.startswith("sweep@")}
    assert ran == set(swept) - finished
    resumed = files_below(checkout.root, {"results/sweep": ""})
    assert {path.split("/")[2] for path in resumed} == {"sigmoid", "tanh", "relu"}
    checkout.dvc("repro", "--force", "--single-item", *swept)  # in one go
    assert files_below(checkout.root, {"results/sweep": ""}) == resumed
