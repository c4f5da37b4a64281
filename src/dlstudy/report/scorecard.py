"""Statements with their answers, and readings with their verdicts, as the pages show them."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

from jinja2 import Template

from dlstudy.judging.register import Entry, entries_of, load_register
from dlstudy.judging.rules import VERDICTS
from dlstudy.judging.statements import POINTS, Reading, Statement
from dlstudy.judging.tables import ANSWERS, SUPPORTING
from dlstudy.measures.samples import records
from dlstudy.report.markdown import environment
from dlstudy.report.words import MARK, RELATION, Language, rule_words
from dlstudy.study.params import JudgeParams
from dlstudy.study.results import MissingResultError, Results

PAGE_OF: Final = {
    "linear": "linear_regression",
    "softmax": "softmax_regression",
    "torchvision": "torchvision",
    "perceptron": "multilayer_perceptron",
    "cost": "activation_cost",
}
TURNING: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "holds": (SUPPORTING,),
    "conditions": (("refuted", "depends"), SUPPORTING),
}
"""By answer, the verdicts of readings that it turns on, the most telling first; of others, all that do not support."""


@dataclass(frozen=True)
class Judged:
    """A reading with its verdict: all that a page says of it."""

    reading: Reading
    row: dict[str, Any]  # of verdicts.csv
    evidence: dict[str, Any]  # of evidence.json
    settings: JudgeParams
    entries: Sequence[Entry] = ()  # of the register
    arms: Sequence[dict[str, Any]] = ()  # its rows of arms.csv

    @property
    def key(self) -> str:
        return self.reading.key

    @property
    def verdict(self) -> str:
        return str(self.row["verdict"])

    @property
    def condition(self) -> str:
        """Where its number was found, of several conditions: "8 hidden layers, 8 epochs: tanh"."""
        conditions = self.evidence["conditions"]
        shown = [name for name, found in conditions.items() if found["estimate"] == self.row["estimate"]]
        return shown[-1] if shown and len(conditions) > 1 else ""

    def relation(self, language: Language) -> str:
        return RELATION[language][self.reading.en.relation]

    @property
    def link(self) -> str:
        """Where the reading is described in full, from a page beside it."""
        return f"{PAGE_OF[self.reading.statement.en.chapter]}.md#{self.reading.anchor}"

    @property
    def moves(self) -> dict[str, str]:
        """The changed thresholds at which the verdict would be another, and which."""
        found: dict[str, str] = self.evidence["elsewhere"]
        return {name: verdict for name, verdict in found.items() if verdict != self.verdict}

    @property
    def measured(self) -> str:
        """The number that decides, with its interval if it has one."""
        return measured(self.row)

    @property
    def brief(self) -> str:
        """The same as a table of answers has it: to three digits where there is an interval."""
        return measured(self.row, digits=4 if self.row["low"] == self.row["high"] else 3)

    def rule(self, language: Language) -> str:
        return rule_words(self.reading.en.rule, self.settings, language)


@dataclass(frozen=True)
class Section:
    """A statement, its answer and its readings."""

    statement: Statement
    answer: str
    readings: tuple[Judged, ...]

    def evidence(self, part: Literal["facts", "conditions", "aside"]) -> dict[str, dict[str, Any]]:
        """A part of the evidence, by reading: what the statement's own text takes its numbers from."""
        return {each.reading.name: each.evidence[part] for each in self.readings}

    @property
    def rows(self) -> dict[str, dict[str, Any]]:
        return {each.reading.name: each.row | {"where": each.evidence["where"]} for each in self.readings}

    @property
    def asserted(self) -> list[Judged]:
        return [each for each in self.readings if each.reading.en.relation != "beyond"]

    @property
    def beyond(self) -> list[Judged]:
        return [each for each in self.readings if each.reading.en.relation == "beyond"]

    @property
    def deciding(self) -> Judged:
        """The reading whose number stands for the answer: of those that count, the first that the answer turns on.

        An undecided one tells a reader nothing, where another sets a condition or holds.
        """
        counting = self.asserted or self.beyond
        others = tuple(each for each in VERDICTS if each not in SUPPORTING)
        turning = [each for found in TURNING.get(self.answer, (others,)) for each in counting if each.verdict in found]
        return (*turning, *counting)[0]

    @property
    def data(self) -> list[str]:
        return list(dict.fromkeys(path for each in self.readings for path in each.reading.en.data))

    @property
    def link(self) -> str:
        return f"{PAGE_OF[self.statement.en.chapter]}.md#{self.statement.anchor}"

    @property
    def mark(self) -> str:
        return str(MARK[self.answer])

    def sentence(self, language: Language) -> str:
        """The answer as a sentence, with its numbers."""
        document = self.statement.en if language == "en" else self.statement.zh
        text = getattr(document.answers, self.answer)
        rows, to = self.rows, " to " if language == "en" else " 至 "
        context = {
            "rows": rows,
            "condition": {each.reading.name: each.condition for each in self.readings}.get,
            "facts": self.evidence("facts"),
            "conditions": self.evidence("conditions"),
            "measured": lambda name: measured(rows[name], digits=3).replace(" to ", to),
            "number": lambda name: measured(rows[name], digits=3).partition(" (")[0].removeprefix("+"),
        }
        return compiled(text).render(context)


@cache
def compiled(text: str) -> Template:
    """A sentence as a template; each is compiled once, however many pages have it."""
    return environment().from_string(text)


def measured(row: dict[str, Any], digits: int = 4) -> str:
    """The estimate with its interval: "0.998 (0.991 to 1.004)"; in accuracy points with two decimals and a sign.

    Whole numbers, such as counts, keep all their digits.
    """

    def number(value: float) -> str:
        if row["unit"] == POINTS:
            return f"{value:+z.2f}"  # z: no minus sign before what rounds to zero
        return f"{value:,.0f}" if float(value).is_integer() and abs(value) < 1e12 else f"{value:.{digits}g}"

    interval = "" if row["low"] == row["high"] else f" ({number(row['low'])} to {number(row['high'])})"
    return number(row["estimate"]) + interval


def sections(results: Results, statements: Sequence[Statement]) -> list[Section]:
    """The statements with their readings and answers, in order; MissingResultError for one that has not been judged."""
    rows = {row["id"]: row for row in records(results.verdicts())}
    evidence, arms = results.evidence(), records(results.arms())
    keys = [each.key for statement in statements for each in statement.readings]
    for file, what, known in (("verdicts.csv", "a verdict", rows), ("evidence.json", "evidence", evidence)):
        if missing := [key for key in keys if key not in known]:
            raise MissingResultError(
                f"{results.JUDGED}/{file}: expected {what} on {missing[0]}, found none; run `dvc repro`"
            )
    register = load_register(results.root / "statements" / "register.yaml")

    def judged(each: Reading) -> Judged:
        of_arms = [row for row in arms if row["id"] == each.key]
        return Judged(
            each, rows[each.key], evidence[each.key], results.study.judge, entries_of(each, register), of_arms
        )

    answers = results.answers().set_index("id")["answer"]
    return [Section(each, answers[each.id], tuple(map(judged, each.readings))) for each in statements]


def by_verdict(found: Iterable[Judged]) -> list[Judged]:
    """The readings in the order of the tables: refuted ones first, then by statement."""
    return sorted(found, key=lambda each: VERDICTS.index(each.row["verdict"]))


def counts(words: Iterable[str]) -> dict[str, int]:
    """How often each verdict, or each answer, is found, of those that are; in the order of the tables."""
    found = Counter(words)
    return {word: found[word] for word in (*VERDICTS, *ANSWERS) if word in found}


def citing(found: Iterable[Section]) -> Callable[[str, str], str]:
    """What a text says where it leans on another reading's verdict: `cites("ACT-2", "refuted")` gives a link.

    Where the verdict is another by now, the link says which.
    """
    by_key = {each.key: each for section in found for each in section.readings}

    def cites(key: str, verdict: str) -> str:
        one = by_key[key]
        moved = "" if one.verdict == verdict else f" (here: {one.verdict}; this text was written for {verdict})"
        return f"[{key}]({one.link}){moved}"

    return cites
