"""The form that asks why a plan is rejected. Pure."""

from bot.messages.blocks import Block, plain_text
from bot.modals.plan_reference import PlanReference

REJECT_FORM = "migrate_reject_reason"
REASON_BLOCK = "reason"
REASON_FIELD = "text"
_REASON_LIMIT = 300


def reject_form(about: PlanReference) -> Block:
    """Ask for the reason."""
    return {
        "type": "modal",
        "callback_id": REJECT_FORM,
        "private_metadata": about.pack(),
        "title": plain_text(f"Reject {about.job_id}", 24),
        "submit": plain_text("Reject", 24),
        "close": plain_text("Back", 24),
        "blocks": [
            {
                "type": "input",
                "block_id": REASON_BLOCK,
                "label": plain_text("Why?", 2000),
                "hint": plain_text("Everybody sees it in the card's thread.", 2000),
                "element": {
                    "type": "plain_text_input",
                    "action_id": REASON_FIELD,
                    "multiline": True,
                    "max_length": _REASON_LIMIT,
                    "focus_on_load": True,
                },
            }
        ],
    }
