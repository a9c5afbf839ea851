"""Opens a form (docs: views.open), and says in plain words that Slack was too slow for it."""

from collections.abc import Mapping, Sequence
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.api_errors import SlackRefused, ask
from core.errors import NotifierRefused

_NO_LONGER = frozenset(
    {"expired_trigger_id", "exchanged_trigger_id", "invalid_trigger_id"}
    | {"trigger_expired", "trigger_exchanged", "invalid_trigger"}
)
"""The guide and the page of the method name them differently; ``invalid_arguments`` that names the trigger is one too
(bolt-python#434, node-slack-sdk#1131)."""


class TooSlow(NotifierRefused):
    """The three seconds were over in which a form may be opened."""

    def __init__(self) -> None:
        super().__init__("Slack was too slow for the form.", hint="Press it again.")


async def open_view(client: AsyncWebClient, trigger_id: str, view: Mapping[str, Any]) -> None:
    """Open a form for who just clicked or typed.

    Raises:
        TooSlow: that was too long ago.
        NotifierError: Slack did not answer, or refuses the form.

    """
    try:
        await ask(client.views_open(trigger_id=trigger_id, view=dict(view)))
    except SlackRefused as error:
        if _is_about_the_trigger(error):
            raise TooSlow from error
        raise


def _is_about_the_trigger(error: SlackRefused) -> bool:
    if error.code in _NO_LONGER:
        return True
    told = error.__cause__
    return error.code.startswith("invalid_arg") and isinstance(told, SlackApiError) and _names_trigger(told.response)


def _names_trigger(answer: Any) -> bool:
    data = getattr(answer, "data", answer)
    metadata = data.get("response_metadata") if isinstance(data, Mapping) else None
    messages = metadata.get("messages") if isinstance(metadata, Mapping) else None
    return isinstance(messages, Sequence) and any("trigger" in str(message) for message in messages)
