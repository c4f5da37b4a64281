"""The learning rates of `train`'s multilayer perceptrons, tuned at the epochs that they train there.

Rates on the grid 10^(k/4), the best climbed to (`tuning.rungs`); the initialiser is the model's own. Each tuning seed
divides the images anew, and the test split is not looked at. No rate that a model has in params.yaml plays a part.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from dlstudy.core.dataset import Dataset, load_dataset
from dlstudy.core.params import load_section
from dlstudy.experiments.mlp_rates.params import MlpRatesParams
from dlstudy.training.params import SgdParams
from dlstudy.tuning.jobs import sorted_table
from dlstudy.tuning.memo import Memo
from dlstudy.tuning.networks import Networks
from dlstudy.tuning.rates import step_of
from dlstudy.tuning.rungs import Climb, Configuration, RungTrial, climb_all
from dlstudy.tuning.stacks import Images, Member, Recipe

PARAMS = MlpRatesParams
MEMO: Final = Path("data/experiments")  # of finished jobs: what was interrupted goes on from there


class Inputs(NamedTuple):
    images: Dataset
    models: Mapping[str, SgdParams]


def load() -> Inputs:
    """The images, and the models that are tuned."""
    names = load_section("experiments.mlp_rates", PARAMS).models
    models = {name: load_section(f"train.{name}", SgdParams) for name in names}
    return Inputs(load_dataset(Path("data/prepared/images.pt")), models)


def run(inputs: Inputs, params: MlpRatesParams, seeds: Sequence[int]) -> dict[str, Any]:
    """The tables tuning (a row a training) and chosen (a row a model), and the facts."""
    MEMO.mkdir(parents=True, exist_ok=True)
    images = Images.of(inputs.images)
    climbs = climbed(images, Memo.of(MEMO, images), inputs.models, params)
    recipes = {name: model.model_dump(exclude={"lr"}) for name, model in inputs.models.items()}
    return {
        "tuning": sorted_table([row for climb in climbs for row in tuning_rows(climb)], ["model", "lr", "seed"]),
        "chosen": sorted_table([chosen_row(climb) for climb in climbs], ["model"]),
        "facts": {"models": recipes, "tuning_seeds": list(params.tuning_seeds)},
    }


def climbed(images: Images, memo: Memo, models: Mapping[str, SgdParams], params: MlpRatesParams) -> list[Climb[str]]:
    """The climb of every model."""
    networks = Networks(images, memo, "mlp_rates", lambda name: recipe_of(models[name]), member_of)
    climbs = [Climb(name, params.tuning_seeds, images.guessing) for name in models]
    steps = [step_of(lr) for lr in params.learning_rates]
    starts = {name: {Configuration(model.init, step) for step in steps} for name, model in models.items()}
    climb_all(climbs, starts, networks.scored)
    return climbs


def recipe_of(model: SgdParams) -> Recipe:
    return Recipe(
        hidden=model.hidden,
        activations=(str(model.activation),) * len(model.hidden),
        batch_size=model.batch_size,
        num_epochs=model.num_epochs,
    )


def member_of(trial: RungTrial[str]) -> Member:
    return Member(trial.seed, trial.configuration.init, trial.configuration.lr)


def tuning_rows(climb: Climb[str]) -> list[dict[str, Any]]:
    return [
        {"model": climb.place, "lr": trial.configuration.lr, "seed": trial.seed}
        | {"validation_accuracy": score.accuracy, "validation_loss": score.loss, "diverged": score.diverged}
        for trial, score in climb.scores.items()
    ]


def chosen_row(climb: Climb[str]) -> dict[str, Any]:
    return {
        "model": climb.place,
        "lr": climb.best().lr,
        "at_edge": climb.at_edge,
        "num_rates": len(climb.tried),
        "validation_accuracy": climb.accuracy,
    }
