"""The pages after the request form: looking, the plan to be sent, or why there is none. Pure."""

from bot.messages.blocks import Block, context, plain_text, sections, verbatim
from bot.messages.card_proposed import finding_lines, option_words, plan_lines, summary
from bot.messages.mrkdwn import code, plural, said
from core.domain.model.plan import Plan
from core.errors import MigrateBotError

PLAN = "migrate_form_plan"
"""The callback_id of the page that shows the plan."""
_ROWS = 60
_BLOCKS_LIMIT = 100


def looking(token: str) -> Block:
    """Say that the hosts are being asked; the page is replaced as soon as they answered."""
    return _page(token, "Looking …", [verbatim("🔎 Looking at the hosts …")])


def refused(token: str, error: MigrateBotError) -> Block:
    """Say why there is no plan; the form with everything that was typed is one page back."""
    return _page(token, "No plan", [verbatim(f"⛔ {error.sentence()}"), context("Go back to change the request.")])


def broken(token: str, reference: str) -> Block:
    """Own up to an error nobody foresaw."""
    text = f"Something went wrong inside me, not in what you did. My log has it as {reference}."
    return _page(token, "No plan", [verbatim(text)])


def preview(token: str, plan: Plan) -> Block:
    """Show the plan; nothing is asked before it is sent."""
    lines = [summary(plan), *plan_lines(plan, _ROWS)]
    if len(plan.moves) > _ROWS:
        lines.append(f"… and {plural(len(plan.moves) - _ROWS, 'more VM')}")
    blocks = [*sections(lines), *sections(finding_lines(plan.findings, _ROWS // 2))][: _BLOCKS_LIMIT - 2]
    small = [words for words in (option_words(plan.options), _reason(plan)) if words]
    if small:
        blocks.append(context(" · ".join(small)))
    blocks.append(context("Nothing is asked yet. *Send request* posts this plan for approval."))
    return _page(token, "The plan", blocks) | {"callback_id": PLAN, "submit": plain_text("Send request", 24)}


def _reason(plan: Plan) -> str:
    return f"reason: {said(plan.options.reason, 200)}" if plan.options.reason else ""


def _page(token: str, title: str, blocks: list[Block]) -> Block:
    return {
        "type": "modal",
        "external_id": token,
        "private_metadata": token,
        "title": plain_text(title, 24),
        "close": plain_text("Back", 24),
        "blocks": blocks,
    }


def gone(command: str) -> Block:
    """Say that a plan was sent already, or was made before the bot was started anew."""
    text = f"This plan was sent already, or I was restarted since. {code(command + ' jobs')} shows what was asked."
    return {
        "type": "modal",
        "title": plain_text("Not sent", 24),
        "close": plain_text("Close", 24),
        "blocks": sections([text]),
    }
