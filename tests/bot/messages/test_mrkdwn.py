"""Texts are cut where Slack reads nothing half."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messages.blocks import message, section
from bot.messages.mrkdwn import clip_markup, escape

_PARTS = st.sampled_from(
    ["&amp;", "&lt;", "&gt;", "<@U0ALICE>", "<!date^1^{time}|12:00 UTC>", "`web01`", "word ", "😀"]
)
_HALF = re.compile(r"&(?!(?:amp|lt|gt);)|<[^>]*$")


@given(st.lists(_PARTS, max_size=60).map("".join), st.integers(20, 200))
def test_nothing_is_cut_in_two(text: str, limit: int) -> None:
    """Entities, mentions and dates are whole or gone, spans are closed, and the limit holds."""
    cut = clip_markup(text, limit)
    assert len(cut) <= limit
    assert not _HALF.search(cut)
    assert cut.count("`") % 2 == 0
    assert cut == text if len(text) <= limit else cut.rstrip("`").endswith("…")


@pytest.mark.parametrize("limit", [1500, 2900, 3000])
def test_a_block_stays_closed(limit: int) -> None:
    """The words of a host that are too long end in their block."""
    cut = clip_markup("```\n" + "&amp;" * 2000 + "\n```", limit)
    assert len(cut) <= limit
    assert cut.endswith("&amp;…\n```")


def test_messages_and_sections_keep_to_their_limits() -> None:
    """What grows by escaping is measured afterwards: Slack refuses an edit over 4,000 characters."""
    assert len(message("&" * 4000, ()).text) <= 3000
    assert len(section(escape("&" * 3000))["text"]["text"]) <= 3000
