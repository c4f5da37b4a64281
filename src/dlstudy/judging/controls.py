"""Negative controls: comparisons whose outcome is known, to see that the rules find what is there and no more."""

from dataclasses import dataclass
from typing import Final

from dlstudy.judging.evidence import Evidence, PerSeed
from dlstudy.judging.rules import Rule, decide, smallest_margin
from dlstudy.judging.statistics import paired_differences
from dlstudy.study.params import JudgeParams
from dlstudy.study.results import Results

A_A: Final = "A/A, "  # how the names of A/A controls begin


@dataclass(frozen=True)
class Control:
    """A comparison that has to come out "supported".

    While one does not, no confirmatory comparison is valid; one that is A/A concerns the comparisons of its cell alone.
    """

    name: str
    expected: str
    rule: Rule
    evidence: Evidence


SAME: Final = Rule(region="equivalent")
FOUND: Final = Rule(region="above", threshold=0.0)  # a planted difference is found, whether or not it matters


def difference(results: Results, variant: str) -> Evidence:
    """Test accuracy of the MLP less that of a variant of it, in points, by seed, at the longest training budget.

    A seed with which the MLP or its repeat diverged is left out, and a fault. Any other that is missing is an error.
    """
    table = results.experiment("losses", "controls")
    longest = float(table["budget"].max())
    failed = {
        run["seed"]: f"mlp, {run['loss']}, seed {run['seed']}: diverged"
        for run in results.experiment_facts("losses")["diverged"]
        if run["network"] == "mlp" and run["loss"] in ("cross_entropy", "again") and run["budget"] == longest
    }
    kept = table[(table["budget"] == longest) & ~table["seed"].isin(failed)]
    pair = (kept[kept["variant"] == name].set_index("seed")["test_accuracy"] for name in ("cross_entropy", variant))
    differences = 100 * paired_differences(*pair)
    samples = {f"cross_entropy - {variant}": PerSeed(differences.tolist())}
    return Evidence(samples, num_seeds=len(differences), faults=tuple(failed.values()))


def controls(results: Results) -> tuple[Control, ...]:
    handicap = results.study.experiments.losses.handicap
    repeated = "the MLP, tuned and trained once more from other weights, is equivalent to itself"
    planted = f"the MLP is better than itself with {100 * handicap:g} % of all test images spoilt"
    return (
        Control("again", repeated, SAME, difference(results, "again")),
        Control("handicapped", planted, FOUND, difference(results, "handicapped")),
    )


def resolution(control: Control, settings: JudgeParams) -> float | None:
    """The smallest margin within which the two are equivalent; None for a control that asks for a difference."""
    (sample,) = control.evidence.samples.values()
    return smallest_margin(sample, settings) if control.rule.region == "equivalent" else None


def complaint(control: Control, settings: JudgeParams) -> str:
    """Why a control fails: its name, why, and from which margin on this study can decide; "" where it passes.

    It passes where it comes out supported, by evidence without faults.
    """
    head = f'the control "{control.name}" fails ({control.expected})'
    if control.evidence.faults:
        return f"{head}: {'; '.join(control.evidence.faults)}"
    if decide(control.evidence, control.rule, settings).verdict == "supported":
        return ""
    resolved = resolution(control, settings)
    if resolved is None:
        return f"{head}: the planted difference was not found"
    return (
        f"{head}: it resolves {resolved:.2g} accuracy points, not the margin of {settings.margin:g}; the smallest "
        f"margin that this {'cell' if control.name.startswith(A_A) else 'study'} supports is {resolved:.2g}"
    )
