"""The form that changes a plan before its approval: some VMs, and where they go instead, or that they stay. Pure.

VMs are searched, not listed, so it is the same form for one VM and for thousands, and its metadata never grows.
"""

import re
from collections.abc import Iterable, Sequence
from fnmatch import translate

from bot.messages.blocks import Block, context, plain_text, sections, verbatim
from bot.messages.card_proposed import plan_lines, summary
from bot.messages.mrkdwn import plural
from bot.modals.plan_reference import PlanReference
from bot.modals.request_form import OPTIONS_LIMIT, option
from core.domain.model.inventory import HostName, VmId
from core.domain.model.job import Job, JobId
from core.domain.model.names import fold
from core.domain.model.plan import Plan, PlannedMove
from core.domain.model.units import size
from core.errors import MigrateBotError

EDIT_FORM = "migrate_edit_form"
VMS, TO = "edit_vms", "edit_to"
PICK_VMS, PICK_TO = "migrate_edit_vms", "migrate_edit_to"
LEAVE_OUT = "-"
"""Chosen in place of a host; no host of the settings can be called so."""
_VALUE_LIMIT = 150
_GLOB = re.compile(r"[*?\[]")
_ROWS = 10


def edit_form(about: PlanReference, hosts: Sequence[str]) -> Block:
    """Ask which VMs, and where they go instead."""
    return {
        "type": "modal",
        "callback_id": EDIT_FORM,
        "private_metadata": about.pack(),
        "title": plain_text(f"Change {about.job_id}", 24),
        "submit": plain_text("Change the plan", 24),
        "close": plain_text("Back", 24),
        "blocks": [
            {
                "type": "input",
                "block_id": VMS,
                "label": plain_text("VMs", 2000),
                "element": {
                    "type": "multi_external_select",
                    "action_id": PICK_VMS,
                    "placeholder": plain_text("Type a name, or a pattern such as SRVSP*", 150),
                    "min_query_length": 0,
                },
            },
            {
                "type": "input",
                "block_id": TO,
                "label": plain_text("Where to", 2000),
                "hint": plain_text("Every other VM stays where it is in the plan, as far as there is room.", 2000),
                "element": _host_menu(hosts),
            },
            context("The plan is made again and needs approval anew; its thread says what you changed."),
        ],
    }


def _host_menu(hosts: Sequence[str]) -> Block:
    menu: Block = {"action_id": PICK_TO, "placeholder": plain_text("A host, or left out", 150)}
    if len(hosts) < OPTIONS_LIMIT:
        return menu | {"type": "static_select", "options": offer_places("", hosts)}
    return menu | {"type": "external_select", "min_query_length": 0}


def offer_places(typed: str, hosts: Iterable[str]) -> list[Block]:
    """Offer the hosts whose name holds what was typed, and to leave VMs out."""
    folded = typed.strip().casefold()
    found = [option(host, host) for host in hosts if folded in host.casefold()]
    out = option("Leave out of this job", LEAVE_OUT)
    return [*found[: OPTIONS_LIMIT - 1], *([out] if folded in str(out["text"]["text"]).casefold() else [])]


def offer_planned(typed: str, plan: Plan) -> list[Block]:
    """Offer VMs of a plan whose name or host holds what was typed; a pattern as one choice."""
    wanted = fold(typed.strip())
    if _GLOB.search(wanted):
        count = len(_like(wanted, plan))
        known = [option(f"Every VM like {wanted}", wanted, f"{plural(count, 'VM')} of this plan")]
        return known if count and len(wanted) <= _VALUE_LIMIT else []
    hits = [move for move in plan.moves if wanted in fold(move.vm_name) or wanted in fold(move.destination)]
    hits.sort(key=lambda move: (not fold(move.vm_name).startswith(wanted), fold(move.vm_name)))
    return [
        option(move.vm_name, str(move.vm_id), f"to {move.destination}, {size(move.size_bytes)}")
        for move in hits[:OPTIONS_LIMIT]
    ]


def meant(chosen: Iterable[str], plan: Plan) -> frozenset[VmId]:
    """Return the VMs of a plan that chosen options stand for: ids, or patterns."""
    found = set[VmId]()
    for value in chosen:
        if _GLOB.search(value):
            found |= {move.vm_id for move in _like(value, plan)}
        else:
            found |= {move.vm_id for move in plan.moves if str(move.vm_id) == value}
    return frozenset(found)


def _like(pattern: str, plan: Plan) -> list[PlannedMove]:
    fits = re.compile(translate(fold(pattern)))
    return [move for move in plan.moves if fits.match(fold(move.vm_name))]


def place_of(value: str) -> HostName | None:
    """Return the host that was chosen; None: left out."""
    return None if value == LEAVE_OUT else HostName(value)


def working(token: str, job_id: JobId) -> Block:
    """Say that the plan is being made again."""
    return _page(token, job_id, [verbatim("🔎 Looking at the hosts …")])


def changed(token: str, job: Job) -> Block:
    """Show the plan as it is now."""
    lines = [f"✏️ {job.id} is changed. It waits for approval as it is now.", summary(job.plan)]
    return _page(token, job.id, sections([*lines, *plan_lines(job.plan, _ROWS)]))


def refused(token: str, job_id: JobId, error: MigrateBotError) -> Block:
    """Say why nothing was changed."""
    return _page(token, job_id, [verbatim(f"⛔ {error.sentence()}"), context("Nothing was changed.")])


def broken(token: str, job_id: JobId, reference: str) -> Block:
    """Own up to an error nobody foresaw."""
    text = f"Something went wrong inside me, not in what you did. My log has it as {reference}."
    return _page(token, job_id, [verbatim(text)])


def _page(token: str, job_id: JobId, blocks: list[Block]) -> Block:
    return {
        "type": "modal",
        "external_id": token,
        "title": plain_text(f"Change {job_id}", 24),
        "close": plain_text("Close", 24),
        "blocks": blocks,
    }
