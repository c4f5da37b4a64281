"""Markdown from templates: prose in the template, numbers from a context."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from jinja2 import ChoiceLoader, DictLoader, Environment, FileSystemLoader, StrictUndefined

from dlstudy.judging.statements import Statement
from dlstudy.judging.tables import MOST_SEEDS, POWER
from dlstudy.report.words import ANSWER, PLURAL, TEMPLATES, in_words_zh, zh

Context = dict[str, Any]  # what a template is filled with, or a row of a table in it


def share(value: float | None) -> str:
    """0.88591 -> 0.8859; a dash for None, such as the standard deviation of one run."""
    return "–" if value is None else f"{value:.4f}"  # noqa: RUF001 - an en dash is meant


def percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def significant(value: float, digits: int = 4) -> str:
    """The number to a few significant digits: 0.00013, 1.5e-06."""
    return f"{value:.{digits}g}"


WORDS: Final = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def in_words(value: int) -> str:
    """A small whole number as prose has it: 3 -> three, 13 -> 13."""
    return WORDS[value] if value < len(WORDS) else f"{value:,.0f}"


def cell(text: str) -> str:
    """Text for a cell of a table, in which a bar would end it."""
    return text.replace("|", "\\|")


SUPERSCRIPTS: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def powers(text: str) -> str:
    """Numbers in scientific notation as powers of ten, as print has them: 3.477e-15 ends in 10⁻¹⁵."""
    return re.sub(r"(?<=\d)e([+-]\d+)", lambda found: f" × 10{str(int(found[1])).translate(SUPERSCRIPTS)}", text)


def evidence(text: str) -> tuple[str, str, str]:
    """The text of a statement in three parts: first paragraph, first figure that is not folded or "", and all else."""
    paragraph, _, rest = text.strip().partition("\n\n")
    depth, lines, figure = 0, [], ""
    for line in rest.splitlines():
        depth += line.count("<details>") - line.count("</details>")
        if line.startswith("![") and not (figure or depth):
            figure = line
        else:
            lines.append(line)
    return paragraph, figure, "\n".join(lines).strip()


FILTERS: Final[dict[str, Any]] = {"count": "{:,.0f}".format} | {  # of a count, the nearest whole number: 1,234
    each.__name__: each for each in (evidence, cell, share, percent, powers, significant, in_words, in_words_zh, zh)
}


@cache  # with it, the compiled templates
def with_bodies(statements: tuple[Statement, ...]) -> Environment:
    """Jinja that also finds the texts of statements, as "statements/LIN-3.md" and "statements/LIN-3.zh.md"."""
    texts = {
        f"statements/{each.id}.{ending}": each.bodies[language]
        for each in statements
        for language, ending in (("en", "md"), ("zh", "zh.md"))
    }
    return environment().overlay(loader=ChoiceLoader([FileSystemLoader(TEMPLATES), DictLoader(texts)]))


def in_both_languages(jinja: Environment, name: str, context: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """File and text of a page in English and in Chinese, each with a link to the other above its title."""
    for folder, link in (("", f"[中文](zh/{name}.md)"), ("zh/", f"[English](../{name}.md)")):
        text = jinja.get_template(f"{folder}{name}.md.j2").render(context)
        yield f"{folder}{name}.md", f"{link}\n\n{text}"


@cache
def environment() -> Environment:
    """Jinja for markdown: no escaping of HTML, and an undefined value is an error."""
    loader = FileSystemLoader(TEMPLATES)
    jinja = Environment(
        loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    jinja.filters.update(FILTERS)
    jinja.globals.update(FILTERS)  # so that a macro can be given one
    jinja.globals.update(POWER=POWER, MOST_SEEDS=MOST_SEEDS, words=ANSWER, plural=PLURAL)
    return jinja
