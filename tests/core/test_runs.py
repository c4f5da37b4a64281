import pytest
import torch

from dlstudy.core.networks import Epoch, Run, Scores, history_table, load_runs, save_runs


def run(seed: int) -> Run:
    parameters = {"0.weight": torch.full((2, 3), float(seed)), "0.bias": torch.zeros(2, dtype=torch.float64)}
    history = (Epoch(0, Scores(2.0, 0.1), Scores(2.5, 0.2)), Epoch(1, Scores(1.0, 0.6), Scores(1.5, 0.5)))
    return Run(seed, parameters, history)


def test_parameters_come_back_by_seed(tmp_path):
    save_runs(tmp_path / "m.pt", [run(7), run(0)])
    found = load_runs(tmp_path / "m.pt")
    assert list(found) == [7, 0]
    for seed, parameters in found.items():
        for name, values in run(seed).parameters.items():
            torch.testing.assert_close(parameters[name], values, rtol=0, atol=0)


def test_the_history_of_a_classifier_has_a_row_a_seed_and_epoch():
    table = history_table([run(7), run(0)], "classification")
    assert table.to_dict("list") == {
        "seed": [0, 0, 7, 7],
        "epoch": [0, 1, 0, 1],
        "train_loss": [2.0, 1.0, 2.0, 1.0],
        "validation_loss": [2.5, 1.5, 2.5, 1.5],
        "train_accuracy": [0.1, 0.6, 0.1, 0.6],
        "validation_accuracy": [0.2, 0.5, 0.2, 0.5],
    }


@pytest.mark.parametrize("seeds", [[0], [2, 1]])
def test_the_history_of_a_regression_has_losses_only(seeds):
    table = history_table([run(seed) for seed in seeds], "regression")
    assert list(table) == ["seed", "epoch", "train_loss", "validation_loss"]
    assert len(table) == 2 * len(seeds)
