"""Who may do what: every doubt is a no, and every no has a sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.access import (
    approval_outlook,
    groups_in,
    may_act,
    may_approve,
    may_edit,
    may_reject,
    may_request,
    may_resume,
    may_stop,
    may_view,
)
from core.config import AccessSettings

ANN, BOB, EVE = "UANN", "UBOB", "UEVE"
OPS = "SOPS"


def access(**changes: object) -> AccessSettings:
    return AccessSettings.model_validate({"approvers": (OPS, "UDAN"), **changes})


IN_OPS = {OPS: frozenset({BOB, ANN})}


def test_an_approver_in_a_group_or_named_may_approve() -> None:
    """A listed user and a member of a listed group may approve somebody else's request."""
    assert may_approve(BOB, ANN, access(), IN_OPS).is_allowed
    assert may_approve("UDAN", ANN, access(), IN_OPS).is_allowed


def test_a_stranger_may_not_approve() -> None:
    """Somebody in no list is refused with a reason."""
    verdict = may_approve(EVE, ANN, access(), IN_OPS)
    assert not verdict.is_allowed
    assert "[access] approvers" in verdict.reason


def test_nobody_approves_their_own_request() -> None:
    """An approver who asked is refused, unless the settings allow it."""
    assert "yourself" in may_approve(ANN, ANN, access(), IN_OPS).reason
    assert may_approve(ANN, ANN, access(self_approval=True), IN_OPS).is_allowed


@pytest.mark.parametrize("members", [{}, {OPS: None}])
def test_an_unreadable_group_fails_closed(members: dict[str, None]) -> None:
    """When Slack cannot say who is in the group, nobody is."""
    verdict = may_approve(BOB, ANN, access(), members)
    assert not verdict.is_allowed
    assert OPS in verdict.reason


def test_no_approvers_means_no_approval() -> None:
    """An empty list of approvers allows nobody."""
    assert not may_approve(BOB, ANN, access(approvers=()), IN_OPS).is_allowed
    assert not approval_outlook(ANN, access(approvers=()), IN_OPS).is_allowed


def test_who_may_ask_must_be_said() -> None:
    """Without a list nobody may ask; ``*`` is everybody who comes in at all."""
    assert "requesters in my settings is empty" in may_request(EVE, access(), {}).reason
    assert may_request(EVE, access(requesters=("*",)), {}).is_allowed
    assert may_request(BOB, access(requesters=(OPS,)), IN_OPS).is_allowed
    assert not may_request(EVE, access(requesters=(OPS,)), IN_OPS).is_allowed


def test_who_asked_may_reject_and_cancel_their_own() -> None:
    """Anyone may discard what they asked for; strangers may not."""
    assert may_reject(EVE, EVE, access(), IN_OPS).is_allowed
    assert may_act(EVE, EVE, access(), (), IN_OPS).is_allowed
    assert "reject" in may_reject(EVE, ANN, access(), IN_OPS).reason
    assert not may_act(EVE, ANN, access(), (), IN_OPS).is_allowed


def test_who_may_change_a_plan() -> None:
    """Who asked and approvers; nobody else, and nobody whom an unreadable group might let in."""
    assert may_edit(ANN, ANN, access(), {}).is_allowed
    assert may_edit(BOB, ANN, access(), IN_OPS).is_allowed
    refused = may_edit(EVE, ANN, access(), IN_OPS)
    assert not refused.is_allowed
    assert refused.reason.startswith("Only who asked for this and approvers may change it.")
    assert not may_edit(BOB, ANN, access(), {OPS: None}).is_allowed


def test_on_call_may_cancel_stop_and_resume() -> None:
    """Whoever is woken at night can act without being an approver."""
    closed = access(requesters=("UNONE",))
    assert may_act(EVE, ANN, closed, (EVE,), IN_OPS).is_allowed
    assert may_stop(EVE, closed, (EVE,), IN_OPS).is_allowed
    assert may_resume(EVE, closed, (EVE,), IN_OPS).is_allowed
    assert not may_stop(EVE, closed, (), IN_OPS).is_allowed


def test_everybody_who_may_ask_may_stop_but_not_resume() -> None:
    """Stopping is always the safe side; starting again takes an approver."""
    assert may_stop(EVE, access(requesters=(EVE,)), (), IN_OPS).is_allowed
    assert not may_resume(EVE, access(requesters=("*",)), (), IN_OPS).is_allowed


@pytest.mark.parametrize(
    "lists", [{"requesters": (EVE,)}, {"viewers": (EVE,)}, {"viewers": ("*",)}, {"approvers": (EVE,)}]
)
def test_only_who_is_concerned_may_look(lists: dict[str, object]) -> None:
    """Who may ask or approve, on-call, and viewers; nobody else sees hosts, VMs and jobs."""
    assert not may_view(EVE, access(requesters=(ANN,)), (), IN_OPS).is_allowed
    assert may_view(EVE, access(**lists), (), IN_OPS).is_allowed
    assert may_view(EVE, access(), (EVE,), IN_OPS).is_allowed


def test_approvers_are_never_everybody() -> None:
    """Approving is for people who were named."""
    with pytest.raises(ValidationError, match="cannot be everybody"):
        access(approvers=("*",))


def test_a_request_nobody_can_approve_is_foreseen() -> None:
    """Too few approvers besides the requester are noticed when the plan is shown."""
    alone = {OPS: frozenset({ANN})}
    assert "only its requester" in approval_outlook(ANN, access(approvers=(OPS,)), alone).reason
    assert "3 are needed" in approval_outlook(ANN, access(approvals_required=3), IN_OPS).reason
    assert approval_outlook(ANN, access(approvals_required=2), IN_OPS).is_allowed
    assert approval_outlook(ANN, access(), {OPS: None}).is_allowed


def test_groups_are_picked_out_of_lists() -> None:
    """Only user groups have to be asked about."""
    assert groups_in(("UANN", OPS), ("S2",)) == {OPS, "S2"}


IDS = st.sampled_from([ANN, BOB, EVE, OPS, "S2", "U*", "", "all"])
PEOPLE = st.sampled_from([ANN, BOB, EVE])
KNOWN = st.dictionaries(st.sampled_from([OPS, "S2"]), st.none() | st.frozensets(PEOPLE))
"""Who is in a group; None for one that cannot be read."""


Known = dict[str, frozenset[str] | None]


@given(PEOPLE, PEOPLE, st.lists(IDS, max_size=4), KNOWN, st.booleans())
def test_nobody_slips_through(user: str, asker: str, approvers: list[str], known: Known, own: bool) -> None:
    """Whoever may approve is listed by id, or known to be in a listed group; every no has a reason."""
    verdict = may_approve(user, asker, access(approvers=tuple(approvers), self_approval=own), known)
    listed = user in approvers or any(user in (known.get(who) or ()) for who in approvers)
    assert verdict.is_allowed == (listed and (own or user != asker))
    assert verdict.is_allowed or verdict.reason
