"""Puts ids and times into the words a certain person reads: names, and dates in that person's time zone."""

import re
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from lab.slack.people.emoji import emoji
from lab.slack.workspace.messages import Json
from lab.slack.workspace.workspace import Workspace

_DATE_FORMATS = {
    "date_num": "{0:%Y-%m-%d}",
    "date": "{0:%B} {0.day}, {0.year}",
    "date_short": "{0:%b} {0.day}, {0.year}",
    "date_long": "{0:%A}, {0:%B} {0.day}, {0.year}",
    "date_pretty": "{0:%B} {0.day}, {0.year}",
    "date_short_pretty": "{0:%b} {0.day}, {0.year}",
    "date_long_pretty": "{0:%A}, {0:%B} {0.day}, {0.year}",
    "time": "{0:%H:%M}",
    "time_secs": "{0:%H:%M:%S}",
}


class Wording:
    """The names and dates that one person reads in place of ids and times."""

    def __init__(self, workspace: Workspace, viewer_id: str) -> None:
        self._workspace = workspace
        viewer = workspace.users.get(viewer_id)
        zone = (viewer.tz if viewer else None) or "UTC"
        self._zone: tzinfo = UTC if zone == "UTC" else ZoneInfo(zone)  # Windows has no zone files of its own

    def name(self, user_id: str) -> str:
        user = self._workspace.users.get(user_id)
        return user.name if user else {"USLACKBOT": "Slackbot"}.get(user_id, user_id)

    def time(self, ts: str) -> str:
        return datetime.fromtimestamp(float(ts), self._zone).strftime("%H:%M")

    def date(self, timestamp: int, pattern: str) -> str:
        """Fill in the {tokens} of a date mention (docs.slack.dev: formatting-message-text)."""
        moment = datetime.fromtimestamp(timestamp, self._zone)

        def token(match: re.Match[str]) -> str:
            if match[1] == "ago":
                return self._ago(timestamp)
            known = _DATE_FORMATS.get(match[1])
            return known.format(moment) if known else match.group()

        return re.sub(r"\{(\w+)\}", token, pattern)

    def _ago(self, timestamp: int) -> str:
        minutes = int((self._workspace.clock.now() - timestamp) // 60)
        return f"{minutes} minutes ago" if minutes >= 0 else f"in {-minutes} minutes"

    def inline(self, element: Json) -> str:
        """One inline element of rich text as words."""
        match element["type"]:
            case "text":
                return str(element["text"])
            case "link":
                return str(element.get("text") or element["url"])
            case "user":
                return f"@{self.name(element['user_id'])}"
            case "channel":
                channel = self._workspace.channels.get(element["channel_id"])
                return f"#{channel.name}" if channel else "#private-channel"
            case "usergroup":
                group = self._workspace.user_groups.get(element["usergroup_id"])
                return f"@{group.handle}" if group else f"@{element['usergroup_id']}"
            case "broadcast":
                return f"@{element['range']}"
            case "emoji":
                return emoji(element["name"])
            case "date":
                return self.date(element["timestamp"], element["format"])
            case _:
                return str(element.get("value", ""))
