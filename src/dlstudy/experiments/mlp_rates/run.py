"""The learning rate of a multilayer perceptron of `train`, tuned at the epochs that it trains there.

Rates on the grid 10^(k/4), the best climbed to (`tuning.rungs`); the initialiser is the model's own. Each tuning seed
divides the images anew, and the test split is not looked at. The rate that the model has in params.yaml plays no part.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from dlstudy.core.base.dataset import Dataset, load_dataset
from dlstudy.core.base.params import load_section
from dlstudy.core.params import SgdParams
from dlstudy.experiments.mlp_rates.params import MlpRatesParams
from dlstudy.tuning.jobs import Memo, Networks, sorted_table
from dlstudy.tuning.params import step_of
from dlstudy.tuning.rungs import Climb, Configuration, climb_all
from dlstudy.tuning.stacks import Images, Member, Recipe

PARAMS = MlpRatesParams


class Inputs(NamedTuple):
    images: Dataset
    name: str
    model: SgdParams


def load(name: str) -> Inputs:
    """The images, and the model that is tuned."""
    return Inputs(load_dataset(Path("data/prepared/images.pt")), name, load_section(f"train.{name}", SgdParams))


def run(inputs: Inputs, params: MlpRatesParams, seeds: Sequence[int]) -> dict[str, Any]:
    """The table tuning, a row a training, and the facts: what was chosen, and for which model."""
    images, model = Images.of(inputs.images), inputs.model
    climb = Climb(inputs.name, params.tuning_seeds, images.guessing)
    recipe = Recipe(model.hidden, (str(model.activation),) * len(model.hidden), model.batch_size, model.num_epochs)
    networks: Networks[str] = Networks(
        images,
        Memo.of_experiments(images),
        f"mlp_rates, {inputs.name}",
        recipe_of=lambda name: recipe,
        member_of=lambda trial: Member(trial.seed, trial.configuration.init, trial.configuration.lr),
    )
    start = {Configuration(model.init, step_of(lr)) for lr in params.learning_rates}
    climb_all([climb], {climb.place: start}, networks.scored)
    rows = [
        {"lr": trial.configuration.lr, "seed": trial.seed}
        | {"validation_accuracy": score.accuracy, "validation_loss": score.loss, "diverged": score.diverged}
        for trial, score in climb.scores.items()
    ]
    return {
        "tuning": sorted_table(rows, ["lr", "seed"]),
        "facts": {
            "lr": climb.best().lr,
            "at_edge": climb.at_edge,
            "num_rates": len(climb.tried),
            "validation_accuracy": climb.accuracy,
            "model": model.model_dump(exclude={"lr"}),
            "tuning_seeds": list(params.tuning_seeds),
        },
    }
