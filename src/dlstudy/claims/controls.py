"""Negative controls: comparisons whose outcome is known, to see that the rules find what is there and no more."""

from dataclasses import dataclass

from dlstudy.claims.core import Evidence, Rule
from dlstudy.claims.rules import Better, Equivalent
from dlstudy.results import Results
from dlstudy.statistics import paired_differences


@dataclass(frozen=True)
class Control:
    """A comparison that has to come out "supported"; while one does not, no comparison is to be believed."""

    name: str
    expected: str
    rule: Rule
    evidence: Evidence


def difference(results: Results, variant: str) -> Evidence:
    """Test accuracy of the perceptron less that of a variant of it, in points, by seed."""
    table = results.experiment("losses", "controls")
    accuracies = [
        table[table["variant"] == name].set_index("seed")["test_accuracy"] for name in ("cross_entropy", variant)
    ]
    differences = 100 * paired_differences(*accuracies)
    return Evidence({f"cross_entropy - {variant}": differences.tolist()}, num_seeds=len(differences))


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
