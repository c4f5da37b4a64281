"""Every page and every statement says the same in both languages: the same numbers, verdicts, links and images."""

import os
import re
from collections import Counter
from pathlib import Path

import pytest

from dlstudy.judging.rules import VERDICTS
from dlstudy.report.words import table, zh
from tests.committed import committed_statements

ROOT = Path(__file__).resolve().parents[2]
REPORTS = ROOT / "reports"
PAGES = sorted(path.name for path in REPORTS.glob("*.md"))
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")


def both(page):
    """The texts of a page in both languages, without the line that links to the other."""
    return [path.read_text(encoding="utf-8").partition("\n\n")[2] for path in (REPORTS / page, REPORTS / "zh" / page)]


def numbers(text):
    return Counter(re.findall(r"\d[\d.,]*\d|\d", LINK.sub(r"\2", text)))


def links(text, folder):
    """The targets from the root, those of Chinese pages as those of their English counterparts."""
    found = [target for _, _, target in LINK.findall(text)]
    paths = [
        target if ":" in target else os.path.normpath(f"{folder}/{target}" if target[0] != "#" else target)
        for target in found
    ]
    return Counter(path.replace("reports/zh/", "reports/").replace(".zh.md", ".md") for path in paths)


def test_every_statement_has_a_text_in_both_languages():
    statements = committed_statements()
    assert [each.id for each in statements if not all(each.bodies.values())] == []


def test_every_page_exists_in_both_languages():
    assert sorted(path.name for path in (REPORTS / "zh").glob("*.md")) == PAGES
    assert len(PAGES) > 10


@pytest.mark.parametrize("page", PAGES)
def test_each_page_links_to_its_counterpart_at_its_top(page):
    for path, first in ((REPORTS / page, f"[中文](zh/{page})"), (REPORTS / "zh" / page, f"[English](../{page})")):
        assert path.read_text(encoding="utf-8").startswith(f"{first}\n\n# ")


@pytest.mark.parametrize("page", PAGES)
def test_both_languages_have_the_same_numbers(page):
    english, chinese = map(numbers, both(page))
    assert chinese - english == Counter()
    assert english - chinese == Counter()


@pytest.mark.parametrize("page", PAGES)
def test_both_languages_have_the_same_links(page):
    english, chinese = both(page)
    there, here = links(english, "reports"), links(chinese, "reports/zh")
    assert here - there == Counter()
    assert there - here == Counter()


@pytest.mark.parametrize("page", PAGES)
def test_both_languages_give_the_same_verdicts(page):
    english, chinese = both(page)
    for verdict in VERDICTS:
        in_english = len(re.findall(rf"\*\*{verdict}\*\*", english, flags=re.IGNORECASE))
        assert chinese.count(f"**{zh(verdict)}**") == in_english, verdict


@pytest.mark.parametrize("page", PAGES)
def test_both_languages_have_the_same_anchors_tables_and_folds(page):
    english, chinese = both(page)
    for pattern in (r'<a id="[^"]+"></a>', r"^\|[-:|]+\|$", r"^#+ ", r"</?details>", r"</?summary>"):
        there, here = (re.findall(pattern, text, flags=re.MULTILINE) for text in (english, chinese))
        if pattern.startswith("<a"):  # a heading's own anchor is English: in Chinese it is set by hand
            assert set(there) <= set(here)
        else:
            assert len(there) == len(here), pattern


@pytest.mark.parametrize("page", PAGES)
def test_chinese_pages_are_in_chinese(page):
    """Four English words in a row are a label that has no Chinese yet, unless it is a source or a name."""
    _, chinese = both(page)
    lines = (line for line in chinese.splitlines() if not re.match("- (文献|Literature)", line))
    prose = (re.sub(r"`[^`]*`|\$[^$]*\$|<[^>]*>", "", LINK.sub(r"\2", line)) for line in lines)
    assert [each for line in prose for each in re.findall(r"\b[a-z]+(?: [a-z]+){3,}\b", line)] == []


def test_no_formula_begins_right_after_a_full_width_mark():
    """Git hosts do not recognise it there."""
    found = [
        f"{page}: {formula}"
        for page in PAGES
        for formula in re.findall(r"[。，：；、（）]\$[^$]{0,20}", (REPORTS / "zh" / page).read_text(encoding="utf-8"))
    ]
    assert found == []


def test_a_label_is_translated_as_a_whole_or_part_by_part():
    assert zh("8 hidden layers, 0.5 epochs: gelu") == "8 个隐藏层，0.5 轮：gelu"
    assert zh("a crop: a slice (uint8)") == "裁剪：切片（uint8）"
    assert zh("+2.04 (+2.02 to +2.07)") == "+2.04 (+2.02 至 +2.07)"
    assert zh("some name, another: x") == "some name, another: x"


def test_every_label_keeps_its_numbers():
    labels, _ = table()
    assert [each for each in labels.items() if numbers(each[0]) != numbers(each[1])] == []
