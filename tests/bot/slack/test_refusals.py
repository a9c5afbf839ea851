"""What each of Slack's refusals is taken for, and what is tried next."""

import pytest

from bot.slack.refusals import CODES, GROUPS, WORDS, About, Next, Refused, about, after
from lab.slack.workspace.error_codes import documented
from tests.docs.slack_errors import USED, page
from tests.support.markdown_pages import read


@pytest.mark.parametrize("method", USED)
def test_every_documented_code_is_known(method: str) -> None:
    """Nothing that Slack documents for a method the bot calls is unknown."""
    assert {code for code in documented(method) if about(code) is About.UNKNOWN} == set()


def test_the_page_of_codes_is_the_table() -> None:
    """docs/generated/slack-errors.md is what its command writes."""
    assert read("docs/generated/slack-errors.md") == page()
    assert set(WORDS) == set(About)


@pytest.mark.parametrize(
    ("refused", "tried"),
    [
        (Refused("token_revoked", has_poorer_form=True), Next.STOP),
        (Refused("ekm_access_denied", is_in_thread=True), Next.STOP),
        (Refused("ratelimited"), Next.STOP),
        (Refused("internal_error", has_poorer_form=True), Next.STOP),
        (Refused("is_archived", is_in_thread=True, has_poorer_form=True), Next.ELSEWHERE),
        (Refused("restricted_action", mentions_group=True, has_poorer_form=True), Next.POORER),
        (Refused("restricted_action", mentions_group=False, has_poorer_form=True), Next.ELSEWHERE),
        (Refused("restricted_action_thread_locked", is_in_thread=True, has_poorer_form=True), Next.ELSEWHERE),
        (Refused("invalid_blocks", has_poorer_form=True), Next.POORER),
        (Refused("invalid_blocks"), Next.STOP),
        (Refused("of_tomorrow", is_in_thread=True, has_poorer_form=True), Next.POORER),
        (Refused("of_tomorrow", is_in_thread=True), Next.ELSEWHERE),
    ],
)
def test_what_is_tried_next(refused: Refused, tried: Next) -> None:
    """Not me: nothing. Not here: elsewhere. Not this message: a poorer form. Unknown: every way."""
    assert after(refused) is tried


def test_no_code_is_named_twice() -> None:
    """Each code is in one group of the table."""
    named = [code for codes in GROUPS.values() for code in codes]
    assert len(named) == len(CODES)
