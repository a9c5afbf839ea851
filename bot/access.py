"""Decides who may ask, approve, cancel, stop and resume. Pure; anything unclear is a no.

Lists hold Slack ids of users (``U…``, ``W…``) and user groups (``S…``). Who is in a group comes from outside, None when
nobody could tell.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from core.config import AccessSettings

Members = Mapping[str, frozenset[str] | None]
"""Who is in each group; None or missing: unknown."""


class AskedMembers(dict[str, frozenset[str] | None]):
    """The answers about some groups; ``stays`` says why one cannot be read, where trying again does not help."""

    stays: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Permission:
    """Whether somebody may do something; a no carries the sentence that says why."""

    is_allowed: bool
    reason: str = ""


YES = Permission(is_allowed=True)
EVERYBODY = "*"
"""In a list: every member of the workspace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What Slack tells about a person that matters here; ``zone`` is decided elsewhere."""

    id: str
    team: str = ""
    organisation: str = ""
    organisation_id: str = ""
    """The person's id in the whole organisation (``W…``), beside the one of the workspace."""
    is_deactivated: bool = False
    is_bot: bool = False
    is_guest: bool = False
    is_stranger: bool = False


@dataclass(frozen=True, slots=True)
class Workplace:
    """The workspace the bot is installed in, and its organisation, if any."""

    team: str
    organisation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A person under every id that Slack may use; ``user`` is the one that is written down.

    With two ids one person could approve their own request, or count as two approvers.
    """

    user: str
    ids: frozenset[str] = field(default_factory=frozenset)
    outsider: str = ""
    """What makes them somebody who may do nothing unless named by id; empty: an ordinary member."""


Who = str | Identity
"""A person: known under every id, or by the one that is at hand."""


def identify(profile: Profile, here: Workplace, said_team: str = "") -> Identity:
    """Decide who somebody is. ``said_team`` is the workspace that came with what they did; empty: none came."""
    return Identity(
        user=profile.organisation_id or profile.id,
        ids=frozenset(filter(None, (profile.id, profile.organisation_id))),
        outsider=_outsider(profile, here, said_team),
    )


def _outsider(profile: Profile, here: Workplace, said_team: str) -> str:
    if profile.is_deactivated:
        return "a deactivated user"
    if profile.is_bot:
        return "a bot"
    if profile.is_guest:
        return "a guest"
    is_colleague = bool(here.organisation) and profile.organisation == here.organisation
    teams = {profile.team, said_team} - {""}
    if not is_colleague and (profile.is_stranger or teams - {here.team}):
        return "from another workspace"
    return ""


def may_enter(who: Identity, access: AccessSettings, oncall: Iterable[str]) -> Permission:
    """Decide whether somebody may do anything at all: members may, others only when named by their id."""
    named = {*access.requesters, *access.approvers, *oncall}
    if not who.outsider or who.ids & named:
        return YES
    name = min(who.ids, default=who.user)
    return Permission(
        False,
        f"You are {who.outsider}, so I do nothing for you. "
        f"It takes your member id, {name}, in [access] of my settings; a user group is not enough.",
    )


def is_same(who: Who, user: str) -> bool:
    """Whether an id is one of a person's."""
    return user in _ids(who)


def _ids(who: Who) -> frozenset[str]:
    return frozenset({who}) if isinstance(who, str) else who.ids


def is_group(who: str) -> bool:
    """Whether an id names a user group."""
    return who.startswith("S")


def groups_in(*lists: Iterable[str]) -> frozenset[str]:
    """Pick the user groups out of lists of ids."""
    return frozenset(who for people in lists for who in people if is_group(who))


def known_people(lists: Iterable[str], members: Members) -> frozenset[str]:
    """Return everybody who is named by id, or is in a group of which Slack told who is in it."""
    return frozenset(one for who in lists for one in (members.get(who) or () if is_group(who) else (who,)))


NOBODY_ASKS = "Nobody may ask: the list [access] requesters in my settings is empty."


def may_view(user: Who, access: AccessSettings, oncall: Iterable[str], members: Members) -> Permission:
    """Decide whether somebody may look at hosts, VMs and jobs: who may ask or approve, on-call, and viewers."""
    allowed = (*access.requesters, *access.viewers, *access.approvers, *oncall)
    return _listed(user, allowed, members, "You may not look at migrations here.", "[access] viewers")


def may_request(user: Who, access: AccessSettings, members: Members) -> Permission:
    """Decide whether somebody may ask for a migration."""
    if not access.requesters:
        return Permission(False, NOBODY_ASKS)
    return _listed(user, access.requesters, members, "You may not ask for migrations here.", "[access] requesters")


def may_approve(user: Who, requester: str, access: AccessSettings, members: Members) -> Permission:
    """Decide whether somebody may approve or reject what ``requester`` asked for."""
    if requester in _ids(user) and not access.self_approval:
        return Permission(False, "You asked for this yourself; somebody else has to approve it.")
    if not access.approvers:
        return Permission(False, "Nobody may approve: the list [access] approvers in my settings is empty.")
    return _listed(user, access.approvers, members, "You may not approve migrations.", "[access] approvers")


def may_reject(user: Who, requester: str, access: AccessSettings, members: Members) -> Permission:
    """Decide whether somebody may reject: approvers, and whoever asked."""
    if requester in _ids(user):
        return YES
    permission = may_approve(user, requester, access, members)
    return permission if permission.is_allowed else Permission(False, permission.reason.replace("approve", "reject", 1))


def may_edit(user: Who, requester: str, access: AccessSettings, members: Members) -> Permission:
    """Decide whether somebody may change a plan that waits for approval: whoever asked, and approvers."""
    if requester in _ids(user):
        return YES
    refusal = "Only who asked for this and approvers may change it."
    return _listed(user, access.approvers, members, refusal, "[access] approvers")


def may_act(
    user: Who, requester: str, access: AccessSettings, oncall: Iterable[str], members: Members, *, to: str = "cancel"
) -> Permission:
    """Decide whether somebody may cancel, pause or answer for a job: whoever asked for it, approvers and on-call."""
    if requester in _ids(user):
        return YES
    allowed = (*access.approvers, *oncall)
    return _listed(
        user, allowed, members, f"Only who asked for a job, approvers and on-call may {to} it.", "[access] approvers"
    )


def may_stop(user: Who, access: AccessSettings, oncall: Iterable[str], members: Members) -> Permission:
    """Decide whether somebody may press the big red stop: whoever may ask or approve, and on-call."""
    asking = may_request(user, access, members)
    return asking if asking.is_allowed else may_resume(user, access, oncall, members, to="stop")


def may_resume(
    user: Who, access: AccessSettings, oncall: Iterable[str], members: Members, *, to: str = "resume"
) -> Permission:
    """Decide whether somebody may let moves start again: approvers and on-call."""
    allowed = (*access.approvers, *oncall)
    return _listed(user, allowed, members, f"Only approvers and on-call may {to} all migrations.", "[access] approvers")


def approval_outlook(requester: str, access: AccessSettings, members: Members) -> Permission:
    """Foresee whether a request can get enough approvals at all. Unknown groups are given the benefit of the doubt."""
    if not access.approvers:
        return Permission(False, "Nobody can approve this: the list [access] approvers in my settings is empty.")
    people: set[str] = set()
    empty: list[str] = []
    for who in access.approvers:
        if not is_group(who):
            people.add(who)
            continue
        inside = members.get(who)
        if inside is None:
            return YES
        people |= inside
        if not inside:
            empty.append(who)
    if not people:
        return Permission(False, f"Nobody can approve this: nobody is in the user group {' or '.join(empty)}.")
    if not access.self_approval:
        people.discard(requester)
    if not people:
        return Permission(False, "Nobody can approve this: only its requester is an approver.")
    if len(people) < access.approvals_required:
        return Permission(
            False,
            f"This cannot get enough approvals: {access.approvals_required} are needed, {len(people)} can approve.",
        )
    return YES


def _listed(user: Who, allowed: Iterable[str], members: Members, refusal: str, where: str) -> Permission:
    unknown: list[str] = []
    for who in allowed:
        if not is_group(who):
            if who in _ids(user) or who == EVERYBODY:
                return YES
            continue
        inside = members.get(who)
        if inside is None:
            unknown.append(who)
        elif inside & _ids(user):
            return YES
    if unknown:
        group, known = unknown[0], f"I cannot find out now who is in the user group {unknown[0]}, so I do not allow it."
        stays = members.stays.get(group) if isinstance(members, AskedMembers) else None
        if stays:
            return Permission(False, f"{known} {stays} It stays so until somebody puts that right.")
        return Permission(False, f"{known} Try again soon.")
    return Permission(False, f"{refusal} You are not in the list {where} of my settings.")
