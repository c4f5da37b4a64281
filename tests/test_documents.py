"""README, CONTRIBUTING and the reports are true of the checkout they stand in."""

import json
import re
import shlex
import shutil
import subprocess
import tempfile
from functools import cache
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest
from dvc.utils.hydra import apply_overrides, get_hydra_sweeps

from dlstudy.core.base.params import ParamsError
from dlstudy.study.params import load_study
from tools.checkout import read_params
from tools.readme import BOXES, DOCUMENTS, PARTS, PLACES, chart, updated

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = (".", "docs", "datasets", "bench", "exercises", "reports", "reports/zh")
PAGES = sorted(path for folder in FOLDERS for path in (ROOT / folder).glob("*.md"))
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)


def text_of(path):
    return path.read_text(encoding="utf-8")


def anchors(page):
    """The anchors that Git hosts make of a page's headings, and those that it sets itself."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text_of(page)), flags=re.MULTILINE)
    of_headings = {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
    return of_headings | set(re.findall(r'^<a id="([^"]+)"></a>$', text_of(page), flags=re.MULTILINE))


def leads_nowhere(page, target):
    path, _, anchor = unquote(target).partition("#")
    file = (page.parent / path).resolve() if path else page
    return not file.exists() or (anchor and anchor not in anchors(file))


def test_every_relative_link_leads_somewhere():
    links = {page: re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", text_of(page))) for page in PAGES}
    assert sum(map(len, links.values())) > 100
    broken = [
        f"{page.relative_to(ROOT)} links to {target}"
        for page, targets in links.items()
        for target in targets
        if not re.match(r"[a-z]+:", target) and leads_nowhere(page, target)
    ]
    assert broken == []


def test_every_picture_of_the_reports_stands_on_a_page_or_is_linked():
    pictures = {path.resolve() for path in (ROOT / "reports").rglob("*.png") if "experiments" not in path.parts}
    shown = {
        (page.parent / target).resolve()
        for page in (*PAGES, *(ROOT / "reports").rglob("*.md"))
        for target in re.findall(r"\]\(([^)\s]+\.png)\)", text_of(page))
    }
    assert {str(path.relative_to(ROOT)) for path in pictures - shown} == set()


def test_no_anchor_is_set_twice_on_a_page():
    for page in PAGES:
        found = re.findall(r'<a id="([^"]+)"></a>', text_of(page))
        assert sorted(found) == sorted(set(found)), page.name


def test_a_blank_line_stands_before_every_table():
    for page in PAGES:
        lines = FENCE.sub("", text_of(page)).splitlines()
        heads = [number for number, line in enumerate(lines) if re.fullmatch(r"\|[-:| ]*-[-:| ]*\|", line)]
        assert [lines[head - 1] for head in heads if head > 1 and lines[head - 2].strip()] == [], page.name


def test_every_picture_says_what_it_shows():
    for page in PAGES:
        short = [text for text in re.findall(r"!\[([^\]]*)\]", text_of(page)) if len(text) < 12]
        assert short == [], page.name


def test_the_chart_joins_stages_and_leaves_out_arrows_that_follow_from_others():
    stages = '\tnode1["download"]\n\tnode2["prepare"]\n\tnode3["sgd_theory"]\n'
    stages += "\tnode1-->node2\n\tnode2-->node3\n\tnode1-->node3\n"
    assert chart(stages).splitlines()[5:-1] == ["\tdownload --> prepare", "\tprepare --> experiments"]
    assert len(BOXES) == 8


def test_every_make_target_that_is_named_exists():
    targets = set(re.findall(r"^([a-z]+):.*## ", text_of(ROOT / "Makefile"), flags=re.MULTILINE))
    pattern = re.compile(r"(?:^|`)(?:[A-Z_]+=\S+ )*make ([a-z]+)", flags=re.MULTILINE)
    named = [(page.name, target) for page in PAGES for target in pattern.findall(text_of(page))]
    assert named
    assert [each for each in named if each[1] not in targets] == []


def test_every_file_that_is_named_in_code_exists():
    pattern = re.compile(r"`((?:stages|src|tests|tools|bench|datasets|reports)/[\w./-]*)`")
    named = [(page.name, name) for page in PAGES for name in pattern.findall(text_of(page))]
    assert named
    assert [each for each in named if "NAME" not in each[1] and not (ROOT / each[1]).exists()] == []


@pytest.fixture(scope="module")
def parts():
    return {name: content() for name, content in PARTS.items()}


@pytest.mark.parametrize("document", PLACES)
def test_generated_parts_are_up_to_date(document, parts):
    text = text_of(ROOT / document)
    assert updated(text, parts) == text


def test_both_languages_give_the_same_commands():
    english, chinese = (FENCE.findall(text_of(ROOT / document)) for document in DOCUMENTS)
    commands = [
        [re.sub(r" *#.*", "", block) for kind, block in blocks if kind == "sh"] for blocks in (english, chinese)
    ]
    assert commands[0] == commands[1] != []


def test_parts_are_put_between_their_markers_and_nowhere_else():
    text = "a\n<!-- begin x -->\nold\n<!-- end x -->\nb\n"
    assert updated(text, {"x": "new", "y": "unused"}) == "a\n<!-- begin x -->\nnew\n<!-- end x -->\nb\n"


def test_a_marker_without_its_fellow_is_refused():
    with pytest.raises(ValueError, match="begin x"):
        updated("<!-- begin x -->\n", {"x": "new"})


# --- Settings in examples ---


def examples_in(page):
    """The settings, by -S, of each command on a page and of each piece of code in a sentence."""
    lines = [line for _, block in FENCE.findall(text_of(page)) for line in block.replace("\\\n", " ").splitlines()]
    spans = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", FENCE.sub("", text_of(page)))
    for text in (*lines, *spans):
        words = shlex.split(text.removeprefix("$ "), comments=True) if re.search(r"(^|[ \"])-S ", text) else []
        words = [part for word in words for part in (shlex.split(word[5:]) if word.startswith("ARGS=") else [word])]
        if settings := [value for word, value in pairwise(words) if word == "-S"]:
            yield text, settings


def with_settings(file, settings):
    """The parameters in the file with each combination of the settings, by DVC's own code, one after the other."""
    committed = file.read_bytes()
    for combination in get_hydra_sweeps({file.name: settings}):
        apply_overrides(file, combination[file.name])
        yield load_study(file)
        file.write_bytes(committed)


@cache  # pages of both languages have the same examples
def refusal(before, settings):
    """What the settings are refused with, or ""; `before` are settings that stand in the file already."""
    with tempfile.TemporaryDirectory() as folder:
        params = Path(folder) / "params.json"  # which DVC changes faster than YAML, and which is YAML, too
        params.write_text(json.dumps(read_params(ROOT)))
        if before:
            apply_overrides(params, list(before))
        try:
            assert list(with_settings(params, list(settings)))
        except ParamsError as error:
            return str(error)
        return ""


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_settings_in_examples_are_taken_but_for_those_whose_error_is_shown(page):
    before = ()  # entries that other examples of the page add
    for text, settings in examples_in(page):
        refused = refusal(before, tuple(settings))
        if re.search(re.escape(text) + r"\n\.\.\.\nerror: params.yaml: 2 problems\n", text_of(page)):
            assert "2 problems" in refused
        else:
            assert refused == ""
        before += tuple(setting for setting in settings if setting.startswith(("+", "download.weights")))


def test_there_are_settings_in_examples():
    assert sum(len(list(examples_in(page))) for page in PAGES) > 15


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_git_converts_no_line_ending_on_windows(tmp_path):
    def git(*arguments):
        identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True)

    content = b"seed,accuracy\n0,0.5\n"
    git("init")
    shutil.copy(ROOT / ".gitattributes", tmp_path)
    (tmp_path / "table.csv").write_bytes(content)
    git("add", "-A")
    git("commit", "-m", "as it is")
    (tmp_path / "table.csv").unlink()
    git("-c", "core.autocrlf=true", "checkout", "--", "table.csv")
    assert (tmp_path / "table.csv").read_bytes() == content


MOST = {"reports": 3_000, "reports/zh": 5_250}
"""Words; in Chinese characters, of which an English word takes one and three quarters, and words of other scripts."""


@pytest.mark.parametrize("folder", MOST)
def test_no_page_of_the_reports_has_more_unfolded_words_than_one_reads(folder):
    """What stands in <details> is for the specialist, and not counted."""
    pages = sorted((ROOT / folder).glob("*.md"))
    assert pages
    words = {page.name: num_words(unfolded(text_of(page))) for page in pages}
    assert {name: num for name, num in words.items() if num > MOST[folder]} == {}


def num_words(text):
    """What white space parts, and each Chinese character as a word."""
    return len(re.sub(r"([\u4e00-\u9fff])", r" \1 ", text).split())


def test_words_are_counted_in_both_scripts():
    assert num_words("ReLU is best at 8") == 5
    assert num_words("ReLU 最好，在 8 层") == 7  # with the comma


def unfolded(text):
    """What is outside <details>; a fold within a fold would hide from most readers, and from a count of words too."""
    depth, kept = 0, []
    for part in re.split(r"(</?details>)", text):
        depth += {"<details>": 1, "</details>": -1}.get(part, 0)
        assert depth in (0, 1)
        if not depth:
            kept.append(part)
    return " ".join(kept)
