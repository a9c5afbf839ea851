"""Promises of website/: every page has its place and stands in one page's contents, every diagram has its picture."""

import json
from pathlib import Path

import pytest

from tests.support.markdown_pages import ROOT, blocks, markdown
from website import pages, player
from website.diagrams import PICTURES, diagrams, picture

PLACES = {
    "README": "index",
    "CONTRIBUTING": "CONTRIBUTING",
    "docs/architecture": "architecture",
    "docs/guide/README": "guide/index",
    "docs/generated/cards/README": "generated/cards/index",
    "deploy/README": "deploy/index",
}
SOME = ["README", "docs/guide/README", "docs/guide/try", "docs/guide/lab", "docs/guide/alerts", "docs/architecture"]


@pytest.mark.parametrize(("page", "place"), PLACES.items())
def test_docs_is_the_root_of_the_site(page: str, place: str) -> None:
    """A README is the index of its folder."""
    assert pages.place(page) == place


def test_a_page_stands_in_the_contents_of_the_nearest_readme_above() -> None:
    """In the order in which that links it; what it does not link comes after, by name."""
    text = "See [the lab](lab.md#start) and [try it](try.md)."
    assert pages.children("docs/guide/README", text, SOME) == ["docs/guide/lab", "docs/guide/try", "docs/guide/alerts"]
    assert pages.children("README", "", SOME) == ["docs/guide/README", "docs/architecture"]
    assert pages.contents("docs/guide/try", "", SOME) == ""


def test_no_page_is_left_out_and_none_is_there_twice() -> None:
    """Each page of the repository's docs is in the contents of exactly one other."""
    every = sorted(path.relative_to(ROOT).with_suffix("").as_posix() for path in markdown())
    every = [page for page in every if page.startswith("docs/") or page == pages.HOME]
    listed = [child for page in every for child in pages.children(page, "", every)]
    assert sorted(listed) == [page for page in every if page != pages.HOME]


def test_every_diagram_has_its_picture_and_no_picture_is_left_over() -> None:
    """Otherwise: ``python -m website.diagrams``."""
    drawn = [block.text for path in markdown() for block in blocks(path.read_text(encoding="utf-8"), "mermaid")]
    assert len(drawn) == len(list(diagrams())) > 0
    assert {picture(text) for text in drawn} == set(PICTURES.glob("*.svg"))


def test_the_player_stands_before_the_picture_it_takes_the_place_of() -> None:
    """Without scripts the picture is seen; a page without it is said."""
    page = (ROOT / f"{player.PAGE}.md").read_text(encoding="utf-8")
    made = player.put_into(page, ROOT)
    assert made.index("timeline-player") < made.index("![A bar for each try")
    with pytest.raises(ValueError, match="0 pictures"):
        player.put_into("no picture", ROOT)


def test_what_was_said_cannot_end_the_data(tmp_path: Path) -> None:
    """Whatever a host says stays within the element that holds the data."""
    file = tmp_path / f"{player.PAGE}.json"
    file.parent.mkdir(parents=True)
    file.write_text('{"said": [[0, "</script><b>"]]}', encoding="utf-8")
    made = player.put_into("![x](timeline.png)", tmp_path)
    data = made.partition('class="timeline-data">')[2].partition("</script>")[0]
    assert json.loads(data) == {"said": [[0, "</script><b>"]]}
