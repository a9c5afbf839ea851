"""The form that asks why a plan is rejected. Pure."""

import json
from dataclasses import dataclass

from bot.messages.blocks import Block, plain_text
from core.domain.model.job import JobId

REJECT_FORM = "migrate_reject_reason"
REASON_BLOCK = "reason"
REASON_FIELD = "text"
_REASON_LIMIT = 300


@dataclass(frozen=True, slots=True)
class Rejection:
    """The plan that the form is about: it travels with the form and comes back with it."""

    job_id: JobId
    plan_hash: str
    channel: str

    def pack(self) -> str:
        """Write it as the form's metadata."""
        return json.dumps([self.job_id, self.plan_hash, self.channel])

    @classmethod
    def unpack(cls, text: str) -> "Rejection | None":
        """Read it back; None when it is not ours."""
        try:
            job_id, plan_hash, channel = map(str, json.loads(text))
        except (ValueError, TypeError):
            return None
        return cls(JobId(job_id), plan_hash, channel)


def reject_form(about: Rejection) -> Block:
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
