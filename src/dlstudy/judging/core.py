"""What a claim is: a statement of the note, a way to read it, what is measured, and the rule that decides.

A claim's `measure` turns results into Evidence, its `rule` turns evidence into a Decision. No verdict is written by
a person.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

from dlstudy.study.judge import JudgeParams
from dlstudy.study.results import Results

Kind = Literal["identity", "prediction", "comparison", "count", "timing"]
Verdict = Literal["refuted", "inconclusive", "supported", "consistent with", "invalid"]

VERDICTS: Final[tuple[Verdict, ...]] = ("refuted", "inconclusive", "invalid", "supported", "consistent with")
"""In the order of the scorecard: what a reader should know first comes first."""


@dataclass(frozen=True)
class Text:
    """The same words in English and in Chinese."""

    en: str
    zh: str


@dataclass(frozen=True)
class Statement:
    """What the note says."""

    id: str  # permanent: "SGD-3"
    chapter: Literal[
        "linear", "softmax", "torchvision", "perceptron", "cost"
    ]  # cost: the perceptron's, on its own page
    says: Text


@dataclass(frozen=True)
class Literature:
    """What is already known."""

    verdict: str  # in a few words
    source: str  # author, title, year


@dataclass(frozen=True)
class Evidence:
    """What was measured.

    samples: for each condition ("B = 16") its values, one a seed or fold; a single one if it was computed exactly.
    """

    samples: Mapping[str, Sequence[float]]
    num_seeds: int = 0  # 0 where no seed takes part
    facts: Mapping[str, Any] = field(default_factory=dict)  # what the page tells besides: numbers, words, lists
    faults: tuple[str, ...] = ()  # guards that failed; they make the verdict "invalid"


@dataclass(frozen=True)
class Decision:
    """What a rule concludes. The interval has no width where the estimate was computed exactly."""

    verdict: Verdict
    estimate: float
    low: float
    high: float
    threshold: float  # what the estimate or interval is held against
    where: str = ""  # the condition that decides, if there are several
    p_value: float | None = None  # of what the verdict asserts, where a test decides
    reasons: tuple[str, ...] = ()  # why it is invalid


class Rule(Protocol):
    """How evidence becomes a verdict; thresholds are fields, fixed before the evidence is seen."""

    def decide(self, evidence: Evidence, settings: JudgeParams) -> Decision:
        """The decision on evidence without faults."""
        ...

    def words(self, settings: JudgeParams) -> str:
        """The rule as a sentence for the page."""
        ...


@dataclass(frozen=True)
class Claim:
    statement: Statement
    reading: str  # a word that tells the readings of a statement apart; "" if there is but one
    tested: Text  # the reading as a sentence that is true or false
    kind: Kind
    quantifier: str  # of the sentence: "always", "may", "for every minibatch size"
    unit: str  # of the estimate: "accuracy points", "measured / predicted"
    rule: Rule
    literature: Literature
    would_change: str  # what evidence would turn the verdict
    data: tuple[str, ...]  # the files of evidence, below the checkout
    measure: Callable[[Results], Evidence]
    confirmatory: bool = False  # of the family of tests that share one error rate

    @property
    def key(self) -> str:
        """The name of the row: "SGD-6/may", or "LIN-3" for a statement with one reading."""
        return f"{self.statement.id}/{self.reading}" if self.reading else self.statement.id

    @property
    def anchor(self) -> str:
        """Where the claim stands on its page."""
        return self.key.lower().replace("/", "-")
