"""README, CONTRIBUTING and the reports are true of the checkout they stand in."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from tools.readme import DOCUMENTS, PARTS, updated

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = (".", "docs", "datasets", "bench", "reports")
PAGES = sorted(path for folder in FOLDERS for path in (ROOT / folder).glob("*.md"))
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)


def text_of(path):
    return path.read_text(encoding="utf-8")


def anchors(page):
    """The anchors that Git hosts make of a page's headings, and those that it sets itself."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text_of(page)), flags=re.MULTILINE)
    of_headings = {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
    return of_headings | set(re.findall(r'^<a id="([^"]+)"></a>$', text_of(page), flags=re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page):
    targets = re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", text_of(page)))
    for target in targets:
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = unquote(target).partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{page.name} links to {target}"
        assert not anchor or anchor in anchors(file), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_make_target_that_is_named_exists(page):
    targets = set(re.findall(r"^([a-z]+):.*## ", text_of(ROOT / "Makefile"), flags=re.MULTILINE))
    named = set(re.findall(r"(?:^|`)(?:[A-Z_]+=\S+ )*make ([a-z]+)", text_of(page), flags=re.MULTILINE))
    assert named <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_is_named_in_code_exists(page):
    named = re.findall(r"`((?:stages|src|tests|tools|bench|datasets|reports)/[\w./-]*)`", text_of(page))
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_generated_parts_are_up_to_date(document):
    text = text_of(ROOT / document)
    assert updated(text, {name: content() for name, content in PARTS.items()}) == text


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


def test_every_parameter_in_an_example_exists():
    params = text_of(ROOT / "params.yaml")
    examples = 0
    for page in PAGES:
        added = dict(re.findall(r"'\+train\.(\w+)=\{(.*)\}'", text_of(page)))  # by an example before
        for model, key in re.findall(r"-S '?train\.(\w+)\.(\w+)=", text_of(page)):
            examples += 1
            assert f"\n  {model}:" in params or model in added, model
            assert f"    {key}:" in params or f"{key}: " in added[model], key
    assert examples
