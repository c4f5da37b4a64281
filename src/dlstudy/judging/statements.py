"""Statements as documents: `statements/LIN-3.md` and its Chinese counterpart `statements/LIN-3.zh.md`.

YAML front matter says what the note says and how each reading of it is tested; the body is the statement's section of
a page. The English document is complete, the Chinese one has only what is language.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import Field, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from dlstudy.core.base.params import Items, ParamsError, Section, validated
from dlstudy.judging.rules import OF_MARGIN, Rule

FOLDER: Final = Path("statements")
TIMED: Final = "timing"  # the subfolder of statements that depend on wall-clock time: judged by a stage of their own
ONLY: Final = "only"  # the name of a reading that is the only one of its statement: its key is the statement's id
POINTS: Final = "accuracy points"  # the unit of readings that compare accuracies

Kind = Literal["identity", "prediction", "comparison", "count", "timing"]
Relation = Literal["says", "implies", "beyond"]
Chapter = Literal["linear", "softmax", "torchvision", "perceptron", "cost"]  # cost: of the perceptron, on its own page
Words = Annotated[str, Field(min_length=1)]

# How ids begin, in the order of the note; OWN are statements that you add.
CHAPTERS: Final = ("LIN", "SGD", "SOFT", "TV", "MLP", "ACT", "OWN")
ID: Final = re.compile(rf"({'|'.join(CHAPTERS)})-(\d+)([a-z]?)")


class Answers(Section):
    """A short sentence for each way in which a statement can come out; Jinja, with the numbers of its readings."""

    holds: Words | None = None
    conditions: Words | None = None  # some of its readings hold, others do not
    does_not_hold: Words | None = None
    open: Words | None = None
    further: Words | None = None  # of a statement without a reading that the note says or implies


class Literature(Section):
    verdict: Words  # what is already known, in a few words
    source: Words  # author, title, year


class EnglishReading(Section):
    relation: Relation
    tested: Words  # a sentence that is true or false; of a reading beyond the note, the answer "yes" to a question
    kind: Kind
    quantifier: Words  # of the sentence: "always", "for every minibatch size"
    unit: Words  # of the estimate
    difference: Words | None = None  # of what and what, in few words of both languages: "sigmoid − ReLU"
    measure: Annotated[str, Field(pattern=r"^\w+\.\w+$")]  # module and function of dlstudy.measures
    given: dict[str, Any] = Field(default_factory=dict)  # the function's arguments besides the results
    rule: Rule
    literature: Literature
    would_change: Words  # what evidence would turn the verdict
    data: Annotated[Items[str], Field(min_length=1)]  # the files of evidence
    confirmatory: bool = False  # one of the family of tests that share one error rate

    @model_validator(mode="after")
    def _names_its_difference(self) -> Self:
        if (self.unit == POINTS) != (self.difference is not None):
            wanted = "a difference, such as sigmoid − ReLU" if self.unit == POINTS else f"none but of {POINTS}"
            raise ValueError(f"difference: expected {wanted}, found {self.difference or 'none'}")
        return self


class ChineseReading(Section):
    tested: Words
    quantifier: Words
    literature: Words
    would_change: Words


class _Document(Section):
    says: Words | None = None  # what the note says, paraphrased
    asks: Words | None = None  # of a statement that is not in the note: the question
    answers: Answers


class English(_Document):
    chapter: Chapter
    readings: Annotated[dict[str, EnglishReading], Field(min_length=1)]


class Chinese(_Document):
    readings: dict[str, ChineseReading]


@dataclass(frozen=True, eq=False)
class Statement:
    id: str  # permanent: "SGD-3"
    en: English
    zh: Chinese
    bodies: Mapping[str, str]  # by language; "" where none is written

    @property
    def readings(self) -> tuple["Reading", ...]:
        return tuple(Reading(self, name) for name in self.en.readings)

    @property
    def anchor(self) -> str:
        return self.id.lower()

    @property
    def asserted(self) -> tuple["Reading", ...]:
        """The readings that the note says or implies; a statement without any is a further question."""
        return tuple(each for each in self.readings if each.en.relation != "beyond")


@dataclass(frozen=True)
class Reading:
    statement: Statement
    name: str

    @property
    def en(self) -> EnglishReading:
        return self.statement.en.readings[self.name]

    @property
    def zh(self) -> ChineseReading:
        return self.statement.zh.readings[self.name]

    @property
    def key(self) -> str:
        """The name of the row: "SGD-6/may", or "LIN-5" for a statement with one reading."""
        return self.statement.id if self.name == ONLY else f"{self.statement.id}/{self.name}"

    @property
    def formula(self) -> str:
        """What it says of a difference, as a formula: "sigmoid − ReLU > 0"; "" where it says nothing of one."""
        return f"{self.en.difference} {OF_MARGIN.get(self.en.rule.region, '')}".strip() if self.en.difference else ""

    @property
    def anchor(self) -> str:
        """Where it stands on its page; the only reading of a statement stands apart from the statement's heading."""
        return f"{self.statement.anchor}-{self.name.replace('_', '-')}"


Front = TypeVar("Front", bound=Section)


def load_statements(folder: Path = FOLDER, *, timed: bool | None = None) -> tuple[Statement, ...]:
    """The statements in the order of the note; ParamsError with a line for each problem in any of the documents.

    timed: only those that depend on wall-clock time, or only the others.
    """
    problems: list[str] = []
    folders = {False: [folder], True: [folder / TIMED], None: [folder, folder / TIMED]}[timed]
    paths = sorted(path for each in folders for path in each.glob("*.md"))
    found = [each for path in paths if (each := _statement(path, problems)) is not None]
    if not found and not problems:
        problems.append(f"{folder}: expected documents such as LIN-1.md, found none")
    problems += _repeated(found)
    if problems:
        raise ParamsError("\n".join(problems))
    return tuple(sorted(found, key=sort_key))


def sort_key(statement: Statement) -> tuple[int, int, str]:
    """The chapter, the number and what follows it: "LIN-1b" comes after "LIN-1"."""
    ((chapter, number, letter),) = ID.findall(statement.id)
    return CHAPTERS.index(chapter), int(number), letter


def readings_of(statements: Sequence[Statement]) -> tuple[Reading, ...]:
    return tuple(each for statement in statements for each in statement.readings)


def _statement(path: Path, problems: list[str]) -> Statement | None:
    """The statement of an English document; None for a Chinese one, and where something is wrong."""
    if path.name.endswith(".zh.md"):
        if not path.with_name(path.name.replace(".zh.md", ".md")).is_file():
            problems.append(f"{path}: expected an English document beside it, found none")
        return None
    if not ID.fullmatch(path.stem):
        problems.append(f"{path}: expected a name such as LIN-1.md, found {path.name}")
        return None
    before, translated = len(problems), path.with_suffix(".zh.md")
    english, body = _document(path, English, problems)
    chinese, body_zh = _document(translated, Chinese, problems)
    if english:
        problems += [f"{path}: {line}" for line in _contradictions(english, timed=path.parent.name == TIMED)]
    if not (english and chinese):
        return None
    problems += [f"{translated}: {line}" for line in _differences(english, chinese)]
    return Statement(path.stem, english, chinese, {"en": body, "zh": body_zh}) if len(problems) == before else None


def _document(path: Path, kind: type[Front], problems: list[str]) -> tuple[Front | None, str]:
    """Front matter and body; what is wrong is added to the problems."""
    try:
        front, body = split(path)
        return validated(front, kind, path=path), body
    except ParamsError as error:
        problems.append(str(error))
        return None, ""


def split(path: Path) -> tuple[dict[str, Any], str]:
    """The mapping between the two lines of dashes, and what follows; ParamsError where there is none."""
    try:
        parts = re.split(r"^---\n", path.read_text(encoding="utf-8"), maxsplit=2, flags=re.MULTILINE)
    except (FileNotFoundError, IsADirectoryError):
        raise ParamsError(f"{path}: expected a document, found none") from None
    except UnicodeDecodeError as error:
        raise ParamsError(f"{path}: expected UTF-8, found {error}; save it as UTF-8") from None
    if len(parts) != 3 or parts[0]:
        raise ParamsError(f"{path}: expected YAML between two lines of ---, found {path.name} without")
    try:
        front = YAML(typ="safe").load(parts[1])
    except (YAMLError, ValueError) as error:  # ValueError: a date that is none
        raise ParamsError(f"{path}: expected YAML 1.2, found: {error}") from None
    if not isinstance(front, dict):
        raise ParamsError(f"{path}: expected a mapping between the lines of ---, found {front!r}")
    return front, parts[2].strip("\n")


def _contradictions(english: English, *, timed: bool) -> Iterator[str]:
    """What does not fit together in a document whose entries are all as they should be; `timed`: in that folder."""
    if timed != (english.chapter == "cost"):
        yield f"chapter: expected cost in the folder {TIMED}, and only there, found {english.chapter}"
    if (english.says is None) == (english.asks is None):
        yield "expected either says (the note does) or asks (a question of our own), found both or none"
    asserted = [each for each in english.readings.values() if each.relation != "beyond"]
    wanted = ["holds", "does_not_hold", "open"] if asserted else ["further"]
    if len(asserted) > 1 or any(each.rule.quantifier == "each" for each in asserted):
        wanted.append("conditions")
    if missing := [name for name in wanted if getattr(english.answers, name) is None]:
        yield f"answers: expected an answer for each outcome, found none for {', '.join(missing)}"
    if ONLY in english.readings and len(english.readings) > 1:
        yield f"readings: expected the name {ONLY} of a single reading alone, found {list(english.readings)}"


def _differences(english: English, chinese: Chinese) -> Iterator[str]:
    """What one language has and the other lacks."""
    if english.readings.keys() != chinese.readings.keys():
        yield f"readings: expected {list(english.readings)}, as in English, found {list(chinese.readings)}"
    if (english.says is None) != (chinese.says is None):
        yield "says, asks: expected the same as in English, found the other"
    answers = [set(each.answers.model_dump(exclude_none=True)) for each in (english, chinese)]
    if answers[0] != answers[1]:
        yield f"answers: expected {sorted(answers[0])}, as in English, found {sorted(answers[1])}"


def _repeated(statements: Sequence[Statement]) -> Iterator[str]:
    """Confirmatory readings of one measure with the same arguments: one number would be counted twice in the family.

    Then readings of one statement with the same difference, which no figure could tell apart.
    """
    seen: dict[str, str] = {}
    for reading in (each for each in readings_of(statements) if each.en.confirmatory):
        other = seen.setdefault(f"{reading.en.measure} {sorted(reading.en.given.items())}", reading.key)
        if other != reading.key:
            yield f"{reading.key}: expected a confirmatory test of its own, found that of {other}"
    for statement in statements:
        formulas = Counter(each.formula for each in statement.readings if each.formula)
        for formula in sorted(formula for formula, num in formulas.items() if num > 1):
            yield f"{statement.id}: expected another difference for each reading, found {formula} twice"
