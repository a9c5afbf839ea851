"""The form in which an owner says why a VM is not to be moved now. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.messages.blocks import Block, plain_text
from bot.modals.plan_reference import PlanReference
from core.domain.model.move import Move, MoveId
from core.domain.reporting.owners import WORDS_ROOM

NOT_NOW_FORM = "migrate_not_now_form"
WORDS_BLOCK, WORDS_FIELD = "words", "text"
VMS_BLOCK, VMS_FIELD = "vms", "chosen"
_OPTIONS = 100
"""The most of a menu (docs: multi_static_select)."""


def not_now_form(about: PlanReference, moves: Sequence[Move]) -> Block:
    """Ask which of the VMs, if there are several, and for a few words. The reference carries the only one's number."""
    blocks: list[Block] = [] if len(moves) == 1 else [_which(moves)]
    return {
        "type": "modal",
        "callback_id": NOT_NOW_FORM,
        "private_metadata": about.pack(),
        "title": plain_text(f"Not now: {about.job_id}", 24),
        "submit": plain_text("Hold", 24),
        "close": plain_text("Back", 24),
        "blocks": [
            *blocks,
            {
                "type": "input",
                "block_id": WORDS_BLOCK,
                "label": plain_text(f"Why not now: {moves[0].vm_name}?" if len(moves) == 1 else "Why not now?", 2000),
                "hint": plain_text("Everybody sees it on the card, until somebody releases the VM.", 2000),
                "element": {
                    "type": "plain_text_input",
                    "action_id": WORDS_FIELD,
                    "max_length": WORDS_ROOM,
                    "focus_on_load": True,
                },
            },
        ],
    }


def chosen_moves(view: Mapping[str, Any], about: PlanReference) -> tuple[MoveId, ...]:
    """Read which VMs were chosen; none if nothing readable was."""
    if about.plan_hash.isdecimal() and int(about.plan_hash):
        return (MoveId(int(about.plan_hash)),)
    values = (view.get("state") or {}).get("values") or {}
    chosen = ((values.get(VMS_BLOCK) or {}).get(VMS_FIELD) or {}).get("selected_options") or ()
    numbers = (str(one.get("value") or "") for one in chosen)
    return tuple(MoveId(int(number)) for number in numbers if number.isdecimal())


def _which(moves: Sequence[Move]) -> Block:
    options = [
        {"text": plain_text(f"{move.vm_name} ({move.source} → {move.destination})", 75), "value": str(move.id)}
        for move in moves[:_OPTIONS]
    ]
    return {
        "type": "input",
        "block_id": VMS_BLOCK,
        "label": plain_text("Which VMs?", 2000),
        "element": {"type": "multi_static_select", "action_id": VMS_FIELD, "options": options},
    }
