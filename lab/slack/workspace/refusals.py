"""The errors of the workspace: `RefusalError` becomes `{"ok": false, "error": ...}`, all else is a bug of the lab."""

from collections.abc import Sequence
from typing import Any


class RefusalError(Exception):
    """An API call that Slack answers with `ok: false`."""

    def __init__(self, error: str, messages: Sequence[str] = (), **extra: Any) -> None:
        super().__init__(f"{error}: {'; '.join(messages)}" if messages else error)
        self.error = error
        self.messages = tuple(messages)
        self.extra = extra

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {"ok": False, "error": self.error, **self.extra}
        if self.messages:
            body["errors"] = [message.removeprefix("[ERROR] ") for message in self.messages]
            body["response_metadata"] = {"messages": list(self.messages)}
        return body


class LabSetupError(Exception):
    """A manifest or a workspace file that no Slack would accept."""


class NotOnScreenError(LookupError):
    """A person was told to use something that this person does not see."""


class FormIncompleteError(ValueError):
    """The Slack client itself refuses to send the form; the app hears nothing of it."""
