"""What results and settings call things, in Chinese: `templates/zh/labels.yaml` as a filter for templates."""

import re
from functools import cache
from pathlib import Path
from typing import Final

from ruamel.yaml import YAML

TABLE: Final = Path(__file__).with_name("templates") / "zh" / "labels.yaml"
SEPARATORS: Final = (("; ", "；"), (": ", "："), (", ", "，"))

NUMERALS: Final = ("零", "一", "两", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二")


def in_words_zh(value: int) -> str:
    """A small whole number of things as prose has it: 2 -> 两, 13 -> 13 between spaces."""
    return NUMERALS[value] if value < len(NUMERALS) else f" {value:,} "


@cache
def table() -> tuple[dict[str, str], list[tuple[re.Pattern[str], str]]]:
    """The labels, and the patterns in their order."""
    content = YAML(typ="safe", pure=True).load(TABLE.read_text(encoding="utf-8"))
    return content["labels"], [(re.compile(pattern), words) for pattern, words in content["patterns"].items()]


def zh(text: object) -> str:
    """The label in Chinese, as a whole or part by part; a name that is not listed stays as it is."""
    english = str(text)
    labels, patterns = table()
    if english in labels:
        return labels[english]
    for pattern, words in patterns:
        if found := pattern.fullmatch(english):
            return words.format(*map(zh, found.groups()))
    for mark, chinese_mark in SEPARATORS:
        parts = english.split(mark)
        if len(parts) > 1 and (chinese := [zh(part) for part in parts]) != parts:
            return chinese_mark.join(chinese)
    return english
