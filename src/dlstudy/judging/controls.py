"""Negative controls: comparisons whose outcome is known, to see that the rules find what is there and no more."""

from dataclasses import dataclass

from dlstudy.judging.core import Evidence, Rule
from dlstudy.judging.rules import Better, Equivalent
from dlstudy.judging.statistics import paired_differences
from dlstudy.study.results import Results


@dataclass(frozen=True)
class Control:
    """A comparison that has to come out "supported"; while one does not, no confirmatory one is to be believed."""

    name: str
    expected: str
    rule: Rule
    evidence: Evidence


def difference(results: Results, variant: str) -> Evidence:
    """Test accuracy of the perceptron less that of a variant of it, in points, by seed.

    A seed with which either diverged is left out, and a fault. Any other that is missing is an error.
    """
    table = results.experiment("losses", "controls")
    failed = diverged(results)
    kept = table[~table["seed"].isin(failed)]
    accuracies = [
        kept[kept["variant"] == name].set_index("seed")["test_accuracy"] for name in ("cross_entropy", variant)
    ]
    differences = 100 * paired_differences(*accuracies)
    return Evidence(
        {f"cross_entropy - {variant}": differences.tolist()},
        num_seeds=len(differences),
        faults=tuple(f"{run}: diverged" for run in failed.values()),
    )


def diverged(results: Results) -> dict[int, str]:
    """The seeds with which the perceptron or its repeat diverged, and the name of that run."""
    runs: list[str] = results.experiment_facts("losses")["diverged"]  # "mlp, again, seed 3"
    return {int(run.rpartition(" ")[2]): run for run in runs if run.startswith(("mlp, cross_entropy,", "mlp, again,"))}


def controls(results: Results) -> tuple[Control, ...]:
    handicap = results.study.experiments.losses.handicap
    return (
        Control(
            name="again",
            expected="the perceptron, trained once more from other weights in another order, is equivalent to itself",
            rule=Equivalent(),
            evidence=difference(results, "again"),
        ),
        Control(
            name="handicapped",
            expected=f"the perceptron is better than itself with {100 * handicap:g} % of all test images spoilt",
            rule=Better(),
            evidence=difference(results, "handicapped"),
        ),
    )
