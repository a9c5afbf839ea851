"""Writes the log to stderr, as plain lines or as JSON, and the audit log to a file besides; never a secret."""

import base64
import html
import json
import logging
import os
import re
import sys
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import WatchedFileHandler
from pathlib import Path
from textwrap import indent
from typing import Any, TextIO, get_args
from urllib.parse import quote, quote_plus, urlsplit

from bot import audit_log
from bot.messages.visible import visible
from core.config import LogForm, LogLevel, Settings
from core.errors import SettingsError

log = logging.getLogger(__name__)

_TOKEN = re.compile(r"xox[a-z]-[\w-]+|xapp-[\w-]+|(?<=ticket=)[^\s&\"']+|(?<=Bearer )\S+", re.IGNORECASE)
_HIDDEN = "[hidden]"
_SHORTEST_SECRET = 4
FORMS: tuple[LogForm, ...] = get_args(LogForm)
LEVELS: tuple[LogLevel, ...] = get_args(LogLevel)
# What these libraries say below a warning is of no use to an operator, and may hold whole payloads.
_CHATTY = (
    "slack_bolt",
    "slack_sdk",
    "aiohttp",
    "asyncio",
    "sqlalchemy",
    "alembic",
    "aiosqlite",
    "pypsrp",
    "spnego",
    "urllib3",
)


class Redaction:
    """A filter that takes secrets out of a text: known ones, and whatever looks like a Slack token."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = {form for one in secrets if len(one) >= _SHORTEST_SECRET for form in _forms(one)}
        self._secrets = sorted(known, key=len, reverse=True)

    def clean(self, text: str) -> str:
        """Return the text without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        return _TOKEN.sub(_HIDDEN, text)


def secrets_of(settings: Settings) -> list[str]:
    """List every secret of the settings."""
    return [
        secret.get_secret_value()
        for secret in (
            settings.slack_bot_token,
            settings.slack_app_token,
            settings.slack_signing_secret,
            settings.winrm_password,
        )
    ] + [urlsplit(settings.store.url).password or "", *_host_passwords(settings), *_basic(settings)]


def _basic(settings: Settings) -> list[str]:
    """Return names and passwords as ``Authorization: Basic`` has them, in one."""
    password = settings.winrm_password.get_secret_value()
    names = {settings.winrm.username, *(host.username or "" for host in settings.hosts.values())}
    return [f"{name}:{password}" for name in sorted(names) if name and password]


def _host_passwords(settings: Settings) -> list[str]:
    """Read the passwords of single hosts; a file that cannot be read is told of by who needs it."""
    found = []
    for host in settings.hosts.values():
        if host.password_file is not None:
            with suppress(OSError, UnicodeDecodeError):
                found.append(host.password_file.read_text(encoding="utf-8-sig").strip())
    return found


def _forms(secret: str) -> set[str]:
    """Return a secret as it may stand in a text: as it is, in a trace, in JSON, in an address."""
    escaped = {repr(secret)[1:-1], ascii(secret)[1:-1], json.dumps(secret)[1:-1]}
    escaped.add(json.dumps(secret, ensure_ascii=False)[1:-1])
    # A text with both kinds of quotes is written with one of them escaped.
    escaped |= {one.replace("'", "\\'") for one in (repr(secret)[1:-1], ascii(secret)[1:-1])}
    # In XML, as WS-Management and CLIXML carry it, and as Base64, of both encodings that Windows uses.
    marked_up = {html.escape(secret), html.escape(secret, quote=False)}
    coded = {base64.b64encode(secret.encode(code)).decode().rstrip("=") for code in ("utf-8", "utf-16-le")}
    return {secret, *escaped, *marked_up, *coded, quote(secret, safe=""), quote(secret), quote_plus(secret)}


class PlainLines(logging.Formatter):
    """A log formatter: ``time level name message``, secrets taken out of everything, traces included."""

    def __init__(self, redaction: Redaction) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
        self._redaction = redaction

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """Write the first line; what it says stays one line, whoever said it."""
        return super().formatMessage(record).replace("\r", "\\r").replace("\n", "\\n")

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's own name
        """Write a trace, indented: no line of it can pass for one of the log's."""
        return indent(super().formatException(ei).replace("\r", "\\r"), "    ", lambda _: True)

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        return visible(self._redaction.clean(super().format(record)))


class JsonLines(logging.Formatter):
    """A log formatter: one JSON object a line, secrets taken out; the fields of the audit log each by its name."""

    def __init__(self, redaction: Redaction) -> None:
        super().__init__()
        self._redaction = redaction

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        entry = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "name": record.name,
            "message": self._clean(record.getMessage()),
            **self._clean(getattr(record, audit_log.FIELDS, {})),
        }
        if record.exc_info:
            entry["trace"] = self._clean(self.formatException(record.exc_info))
        return json.dumps(entry, ensure_ascii=False)

    def _clean(self, said: Any) -> Any:
        if isinstance(said, dict):
            return {name: self._clean(value) for name, value in said.items()}
        return visible(self._redaction.clean(said)) if isinstance(said, str) else said


class AuditFile(WatchedFileHandler):
    """The file of the audit, readable by its owner alone; whoever moves it away gets a new one with the next line."""

    def __init__(self, file: Path) -> None:
        self._has_complained = False
        super().__init__(file, encoding="utf-8")

    def _open(self) -> TextIOWrapper:
        # As the library does it, but for the rights.
        return open(self.baseFilename, "a", encoding="utf-8", opener=_for_the_owner)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, at once."""
        try:
            super().emit(record)
        except OSError:  # a folder that is gone, when the file is opened anew
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802, ARG002 - logging's own name
        """Say once that the file takes nothing; its lines are in the log on stderr all the same."""
        if not self._has_complained:
            self._has_complained = True
            log.error("the audit log %s cannot be written: %s", self.baseFilename, sys.exc_info()[1])


def _for_the_owner(path: str, flags: int) -> int:
    """Open a file that only its owner can read: who owns its folder, also when root was first to write there."""
    descriptor = os.open(path, flags, 0o600)
    if sys.platform != "win32" and os.geteuid() == 0:
        folder = Path(path).parent.stat()
        os.fchown(descriptor, folder.st_uid, folder.st_gid)
    return descriptor


def _is_news(record: logging.LogRecord) -> bool:
    # Bolt says so whenever SLACK_BOT_TOKEN is in the environment, which is where it belongs; the client has it already.
    return not str(record.msg).startswith("As you gave `client` as well")


def start_logging(
    settings: Settings,
    form: str = "plain",
    stream: TextIO | None = None,
    *,
    level: str = "info",
    audit_file: Path | None = None,
) -> None:
    """Send the log to stderr, from this level on, and the audit log to its file as JSON, whatever the level is.

    Raises:
        SettingsError: the file cannot be written: what is done here would leave no trace.

    """
    least = logging.getLevelNamesMapping()[level.upper()]
    redaction = Redaction(secrets_of(settings))
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.addFilter(_is_news)
    handler.setFormatter(JsonLines(redaction) if form == "json" else PlainLines(redaction))
    handler.setLevel(least)
    logging.basicConfig(level=least, handlers=[handler], force=True)
    keeper = logging.getLogger(audit_log.NAME)
    keeper.setLevel(min(least, logging.INFO))
    for old in keeper.handlers[:]:
        keeper.removeHandler(old)
        old.close()
    if audit_file is not None:
        keeper.addHandler(_opened(audit_file, redaction))
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, least))


def _opened(file: Path, redaction: Redaction) -> AuditFile:
    try:
        handler = AuditFile(file)
    except OSError as error:
        raise SettingsError(
            f"The audit log {file} cannot be written: {error.strerror}.",
            hint="Name a file in audit of [log] that can be written.",
        ) from None
    handler.setLevel(logging.INFO)
    handler.setFormatter(JsonLines(redaction))
    return handler
