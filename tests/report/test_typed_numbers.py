"""Every number in the reports' prose is computed: what templates and statements type by hand is listed here.

0 and 1 may be typed anywhere, since formulas and definitions need them (a slope, a sum, a bound).
"""

import re

import pytest

from dlstudy.report.words import TEMPLATES
from tests.committed import committed_statements

NOT_PROSE = (
    r"(?s:\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\})",  # Jinja
    r"(?s:^```.*?^```$)|\$[^$\n]+\$|`[^`\n]*`",  # formulas and code
    r"^#+ .*$",  # headings
    r"(?<=\])\([^)\s]*\)|</?\w[^>]*>",  # targets of links, HTML
    r"\b(?:LIN|SGD|SOFT|TV|MLP|ACT)-\d+[a-z]?\b",  # statements
    r"\b[A-Za-z]+-?\d+\b|\b[Tt]op \d\b|\b64[- ]bits?\b|\b64 位",  # names: float32, ReLU6, SHA-256, ResNet-18
    r"10⁹",  # a unit
    r"\bet al\. \d{4}|\barXiv [\d.]+|\d+\(\d+\), \d{4}",  # references
)
NUMBER = re.compile(r"(?<![\w.,])\d(?:[\d.,]*\d)?")

TYPED = {
    "_published_alone": {"3": "the number of the paper's table, and of the tutorial"},
    "_published_beside": {
        "3": "the number of the paper's table, and of the tutorial",
        "200": "scikit-learn's default, which the paper used",
        "60,000": "the training images of the paper",
        "50": "the tutorial's protocol",
    },
    "_reproduced": {"4,000": "De Cock's advice, as he gives it"},
    "data": {"255": "the largest value of eight bits"},
    "softmax_regression": {"10": "the example of the note"},
    "torchvision": {
        **dict.fromkeys(("50,000", "1,000", "224"), "ImageNet"),
        **dict.fromkeys(("6", "7", "4,096"), "AlexNet and VGG as published"),
    },
    "ACT-1": {"2019": "what is taken to be recent, fixed in the reading", "6": "where ReLU6 stops"},
    "ACT-10": {"2": "He's gain, by definition"},
    "ACT-12": {"4": "what many layers are taken to mean, fixed in the reading"},
    "ACT-8": {"4": "sigmoid's slope is 1/4 at most"},
    "ACT-9": {"2": "sigmoid's output at 0 is 1/2"},
    "LIN-1b": {"2": "the columns of a plane: area and age"},
    "LIN-2": {"2": "the squared loss is half of the square"},
    "SGD-1": {"2": "standard errors beyond which a z-score is counted"},
    "SGD-3": {"2": "the critical learning rate is 2/λ"},
    "SGD-5": {"2": "of the formula"},
    "SOFT-1": {"2": "of the formula", "10": "the example of the note"},
    "SOFT-2": {"10": "the base of a power"},
    "SOFT-5": {"80": "an example of what calibrated means"},
    "TV-3": {
        **dict.fromkeys(("0.2989", "0.587", "0.114", "0.9999"), "torchvision's weights of red, green and blue"),
        "255": "the largest value of eight bits",
        "45": "degrees of the turn that is tried",
    },
}
"""By template or statement, in both languages: the numbers that are typed, and why."""

STATEMENTS = committed_statements()
TEXTS = {str(path.relative_to(TEMPLATES)): path.read_text(encoding="utf-8") for path in TEMPLATES.rglob("*.j2")}
for each in STATEMENTS:
    for language, document in (("en", each.en), ("zh", each.zh)):
        answers = "\n".join(str(text) for _, text in document.answers if text)
        TEXTS[f"{language}/{each.id}.md"] = f"{each.bodies[language]}\n{answers}"


def typed(text):
    """The numbers of the prose that are neither computed nor part of a name, a formula, code or a reference."""
    for pattern in NOT_PROSE:
        text = re.sub(pattern, " ", text, flags=re.MULTILINE)
    return set(NUMBER.findall(text)) - {"0", "1"}


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_numbers_of_the_prose_are_computed_or_listed_with_a_reason(name):
    stem = name.rpartition("/")[2].partition(".")[0]
    assert typed(TEXTS[name]) - set(TYPED.get(stem, ())) == set()


def test_no_number_is_listed_that_is_not_typed():
    found = {}
    for name, text in TEXTS.items():
        found.setdefault(name.rpartition("/")[2].partition(".")[0], set()).update(typed(text))
    assert {stem: set(numbers) - found[stem] for stem, numbers in TYPED.items() if set(numbers) - found[stem]} == {}


def test_typed_numbers_are_found():
    text = "# 5 things\n\nOf {{ n }} runs, 7.5 % of 1,000 ({{ '%d' | format(8) }}) win; `lr=3`, $2x$, [SGD-4](p.md#5)"
    assert typed(text) == {"7.5", "1,000"}
    assert typed("![9 of 10 win](a.png) Xiao et al. 2017, 0 and 1.") == {"9", "10"}
