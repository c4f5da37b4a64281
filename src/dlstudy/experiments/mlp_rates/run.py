"""The learning rates of `train`'s multilayer perceptrons, tuned at the epochs that they train there.

Rates on the grid 10^(k/4), the best climbed to (`tuning.rungs`); the initialiser is the model's own. Each tuning seed
divides the images anew, and the test split is not looked at. No rate that a model has in params.yaml plays a part.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from dlstudy.core.dataset import Dataset, load_dataset
from dlstudy.core.params import load_section
from dlstudy.experiments.mlp_rates.params import MlpRatesParams
from dlstudy.training.params import SgdParams
from dlstudy.tuning.jobs import Job, map_longest_first, sorted_table
from dlstudy.tuning.rates import step_of
from dlstudy.tuning.rungs import Climb, Configuration, RungScore, RungTrial, climb_all, diverged_score
from dlstudy.tuning.stacks import Images, Member, Recipe, scores_on_validation

PARAMS = MlpRatesParams


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
    networks = Networks(Images.of(inputs.images), inputs.models)
    climbs = networks.climbed(params)
    recipes = {name: model.model_dump(exclude={"lr"}) for name, model in inputs.models.items()}
    return {
        "tuning": sorted_table([row for climb in climbs for row in tuning_rows(climb)], ["model", "lr", "seed"]),
        "chosen": sorted_table([chosen_row(climb) for climb in climbs], ["model"]),
        "facts": {"models": recipes, "tuning_seeds": list(params.tuning_seeds)},
    }


class Networks(NamedTuple):
    """The models by name, and the images that they are trained on."""

    images: Images
    models: Mapping[str, SgdParams]

    def climbed(self, params: MlpRatesParams) -> list[Climb[str]]:
        """The climb of every model."""
        climbs = [Climb(name, params.tuning_seeds, self.images.guessing) for name in self.models]
        steps = [step_of(lr) for lr in params.learning_rates]
        starts = {name: {Configuration(model.init, step) for step in steps} for name, model in self.models.items()}
        climb_all(climbs, starts, self.scored)
        return climbs

    def job(self, trials: Sequence[RungTrial[str]]) -> Job[Any]:
        """Trials of one model, trained as one stack."""
        model = self.models[trials[0].place]
        recipe = Recipe(
            hidden=model.hidden,
            activations=(str(model.activation),) * len(model.hidden),
            batch_size=model.batch_size,
            num_epochs=model.num_epochs,
        )
        members = [Member(trial.seed, trial.configuration.init, trial.configuration.lr) for trial in trials]
        return Job(recipe, tuple(trials), tuple(members))

    def scored(self, trials: Sequence[RungTrial[str]]) -> list[RungScore]:
        """Scores on the validation split; the trials of a model and seed share minibatches and a stack."""
        stacks: dict[tuple[str, int], list[RungTrial[str]]] = {}
        for trial in trials:
            stacks.setdefault((trial.place, trial.seed), []).append(trial)
        jobs = [self.job(of_stack) for of_stack in stacks.values()]
        found = map_longest_first(validation_job, jobs, label="mlp_rates", shared=(self.images,))
        by_trial = {
            trial: score
            for job, scores in zip(jobs, found, strict=True)
            for trial, score in zip(job.trials, scores, strict=True)
        }
        return [by_trial[trial] for trial in trials]


def validation_job(images: Images, job: Job[Any]) -> list[RungScore]:
    """The score of each network of a stack, once it is trained."""
    stack = job.trained(images)
    return [
        RungScore(score.accuracy, score.loss) if finite else diverged_score()
        for score, finite in zip(scores_on_validation(stack, images), stack.finite(), strict=True)
    ]


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
