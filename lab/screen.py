"""Shows a Slack channel in a terminal as it grows: messages once, the card live at the bottom."""

from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.panel import Panel
from rich.text import Text

from lab.slack.people.transcript import Transcript
from lab.slack.server import SlackLab
from lab.slack.workspace.messages import Message

DIGEST_EVERY_S = 8.0
"""Without a terminal the card cannot live; its one-line form is printed now and then instead."""


class Screen:
    """A channel in a terminal; ``update`` is called after every change of the workspace."""

    def __init__(self, slack: SlackLab, channel: str, console: Console) -> None:
        self.console = console
        self._slack = slack
        self._channel = slack.workspace.channel(channel)
        self._transcript = Transcript(slack.workspace)
        self._printed: set[tuple[str, str]] = set()
        self._card: Message | None = None
        self._digest = ""
        self._next_digest_s = 0.0
        self._live = Live("", console=console, refresh_per_second=4, transient=True) if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def note(self, text: str) -> None:
        """Print a stage direction."""
        self.console.print(f"[bold magenta]▶ {escape(text)}[/]")

    def update(self, now_s: float) -> None:
        """Print new messages, and show the card as it is now."""
        for root in self._channel.roots():
            self._print(root)
            for reply in self._channel.replies(root.ts):
                self._print(reply)
        for message in self._channel.ephemerals:
            self._print(message)
        if self._card is None:
            return
        if self._live:
            self._live.update(self._panel(self._card))
        elif now_s >= self._next_digest_s and self._card.text != self._digest:
            self._digest = self._card.text
            self._next_digest_s = now_s + DIGEST_EVERY_S
            self.console.print(Text(f"    · {self._digest}", style="dim"))

    def print_card(self, title: str) -> None:
        """Print the card as it is now, for good."""
        if self._card is not None:
            self.console.print(self._panel(self._card, title))

    def _print(self, message: Message) -> None:
        key = (message.channel_id, message.ts)
        if key in self._printed or message.is_deleted:
            return
        self._printed.add(key)
        if message.by_app and not message.is_reply and not message.ephemeral_to:
            self._card = message
            if self._live is None:
                self.print_card(f"#{self._channel.name}")
            return
        lines = self._transcript.message(message)
        indent = "  ↳ " if message.is_reply else ""
        text = Text(f"{indent}{lines[0]}")
        for line in lines[1:]:
            text.append(f"\n{' ' * len(indent)}{line}")
        if message.ephemeral_to:
            text.append(f" → only {self._slack.workspace.users[message.ephemeral_to].name} sees this", style="dim")
        self.console.print(text)

    def _panel(self, card: Message, title: str = "the card") -> RenderableType:
        return Panel(Group(*map(Text, self._transcript.content(card))), title=title, title_align="left", expand=False)
