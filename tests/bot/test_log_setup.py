"""No secret ever reaches the log."""

import base64
import html
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from bot.log_setup import LEVELS, start_logging
from core.config import Settings

SECRETS = {"slack_bot_token": "xoxb-1-2-abc", "slack_app_token": "xapp-1-A-b", "winrm_password": "pa&ss wörd!"}


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before


@pytest.mark.parametrize("form", ["plain", "json"])
def test_secrets_are_taken_out_of_messages_and_traces(form: str) -> None:
    """Known secrets and anything that looks like a token are hidden, in arguments and in traces too."""
    stream = io.StringIO()
    start_logging(Settings.model_validate(SECRETS), form, stream)
    log = logging.getLogger("bot.test")
    log.warning("token %s, foreign xoxp-9-zzz, wss://x/link/?ticket=abcd&app_id=A", SECRETS["slack_bot_token"])
    try:
        int(f"cannot log on with {SECRETS['winrm_password']}")
    except ValueError:
        log.exception("failed for xapp-7-q")
    text = stream.getvalue()
    assert all(secret not in text for secret in (*SECRETS.values(), "xoxp-9", "abcd", "xapp-7"))
    assert "ValueError" in text
    assert "app_id=A" in text


def test_json_lines_are_json() -> None:
    """Each line is one object with time, level, name and message, whatever the message holds."""
    stream = io.StringIO()
    start_logging(Settings(), "json", stream)
    logging.getLogger("bot.test").info('two\nlines and "quotes"')
    (line,) = stream.getvalue().splitlines()
    entry = json.loads(line)
    assert (entry["level"], entry["name"], entry["message"]) == ("info", "bot.test", 'two\nlines and "quotes"')


@pytest.mark.parametrize("level", LEVELS)
def test_the_level_decides_what_is_written(level: str) -> None:
    """``--log-level``: this level and what is graver; of chatty libraries never less than a warning."""
    stream = io.StringIO()
    start_logging(Settings(), "plain", stream, level=level)
    for name in LEVELS:
        for logger in ("bot.test", "aiohttp"):
            logging.getLogger(logger).log(logging.getLevelNamesMapping()[name.upper()], "%s of %s", name, logger)
    written = [line.partition(": ")[2] for line in stream.getvalue().splitlines()]
    expected = LEVELS[LEVELS.index(level) :]
    assert [line for line in written if "bot.test" in line] == [f"{name} of bot.test" for name in expected]
    graver = [name for name in expected if name in {"warning", "error"}]
    assert [line for line in written if "aiohttp" in line] == [f"{name} of aiohttp" for name in graver]


def test_a_warning_about_the_token_being_where_it_belongs_is_not_shown() -> None:
    """Bolt's remark on SLACK_BOT_TOKEN in the environment would only confuse; other warnings are shown."""
    stream = io.StringIO()
    start_logging(Settings(), "plain", stream)
    logging.getLogger("slack_bolt.AsyncApp").warning("As you gave `client` as well, `token` will be unused.")
    logging.getLogger("slack_bolt.AsyncApp").warning("Unhandled request")
    assert "As you gave" not in stream.getvalue()
    assert "Unhandled request" in stream.getvalue()


def test_the_password_of_one_host_is_hidden_however_it_is_written(tmp_path: Path) -> None:
    """A password in a file of its own: in no log, not as text, in a trace, in JSON or in an address."""
    password = "pä'ss\\ \"wörd/&1"
    file = tmp_path / "password"
    file.write_text(password + "\n", encoding="utf-8")
    hosts = {"HV01": {"address": "hv01", "password_file": str(file)}, "HV02": {"address": "b", "password_file": "none"}}
    stream = io.StringIO()
    start_logging(Settings.model_validate({"hosts": hosts}), "plain", stream)
    forms = [password, repr(password), ascii(password), json.dumps(password), quote(password), quote_plus(password)]
    for form in forms:
        logging.getLogger("bot.test").warning("said <%s>", form)
    try:
        dict[str, int]()[password]
    except KeyError:
        logging.getLogger("bot.test").exception("said")
    left = [line for line in stream.getvalue().splitlines() if ("ss" in line and "wörd" in line) or "w%C3" in line]
    assert left == []
    assert stream.getvalue().count("[hidden]") >= len(forms)


FORGED = "2026-11-28 17:41:00,000 INFO    bot.access: U0BOB approved J7, all checks passed"


def test_nobody_writes_a_line_of_their_own() -> None:
    """Line ends in a message or an error stay in that line's text: no line of the log is a stranger's."""
    stream = io.StringIO()
    start_logging(Settings(), "plain", stream)
    log = logging.getLogger("bot.test")
    log.warning("refused: %s", f"x\n{FORGED}\r{FORGED}")
    try:
        int(f"x\n{FORGED}")
    except ValueError:
        log.exception("failed: %s", f"x\r\n{FORGED}")
    assert not [line for line in stream.getvalue().splitlines() if line.startswith("2026-11-28 17:41")]
    assert "bot.access" in stream.getvalue()


@pytest.mark.parametrize("code", ["utf-8", "utf-16-le"])
def test_secrets_are_hidden_in_every_spelling(code: str) -> None:
    """As XML, as Base64 in both of Windows' encodings, and in a header of Basic authentication."""
    stream = io.StringIO()
    password = SECRETS["winrm_password"]
    start_logging(Settings.model_validate(SECRETS | {"winrm": {"username": "CONTOSO\\svc"}}), "plain", stream)
    log = logging.getLogger("bot.test")
    spelled = base64.b64encode(password.encode(code)).decode()
    basic = base64.b64encode(f"CONTOSO\\svc:{password}".encode(code)).decode()
    log.warning("sent %s and <p>%s</p> and Basic %s", spelled, html.escape(password), basic)
    text = stream.getvalue()
    assert all(form.rstrip("=") not in text for form in (spelled, html.escape(password), basic))
