"""Markdown from templates."""

from dlstudy.report.markdown import evidence


def test_a_card_shows_the_first_paragraph_and_the_first_figure_that_is_not_folded():
    text = "One\ntwo.\n\n<details>\n\n![a](a.png)\n\n</details>\n\n![b](b.png)\n\nThree.\n\n![c](c.png)\n"
    found = evidence(text)
    assert (found.paragraph, found.figure) == ("One\ntwo.", "![b](b.png)")
    assert found.rest == "<details>\n\n![a](a.png)\n\n</details>\n\n\nThree.\n\n![c](c.png)"


def test_a_text_of_one_paragraph_has_no_figure_and_no_rest():
    assert evidence("One.\n") == ("One.", "", "")
