"""No secret ever reaches the log."""

import base64
import html
import io
import json
import logging
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.audit_log import Asked, AuditLog
from bot.check import check_settings
from bot.log_setup import LEVELS, start_logging
from bot.metrics import Counters
from core.config import Settings
from core.domain.model import event_data
from core.domain.model.events import Recorded, event
from core.errors import HostUnreachable, NotAllowed, SettingsError
from tests.support.view_builders import NOW, move

SECRETS = {"slack_bot_token": "xoxb-1-2-abc", "slack_app_token": "xapp-1-A-b", "winrm_password": "pa&ss wörd!"}


pytestmark = pytest.mark.usefixtures("log_put_back")


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


foreign = st.text(max_size=60)


@given(typed=foreign, name=foreign, said=foreign)
@example(typed=f"stop\n{FORGED}", name=f"web\u2028{FORGED}", said=f'x", "level": "error\r\n{FORGED}')
@example(typed="x" * 5000, name="xoxb-1-2-abc", said="pa&ss wörd!")
def test_whatever_people_type_and_hosts_say_is_one_line(typed: str, name: str, said: str) -> None:
    """In both forms: a line for each act, which a reader takes apart again; no secret, and no line without an end."""
    plain, jsoned = io.StringIO(), io.StringIO()
    for form, stream in (("plain", plain), ("json", jsoned)):
        start_logging(Settings.model_validate(SECRETS), form, stream)
        audit = AuditLog(Counters())
        act = Asked(what="migrate", vm=name, text=typed)
        audit.asked(act, "U0ALICE", "C0MIGRATE")
        audit.refused(act, "U0ALICE", NotAllowed(said))
        failed = event(event_data.Failed(words=said), NOW, move=move(0, name))
        audit.committed([Recorded(event=failed, move=move(0, name))])
    assert len(plain.getvalue().splitlines()) == len(jsoned.getvalue().splitlines()) == 3
    entries = [json.loads(line) for line in jsoned.getvalue().splitlines()]
    assert [entry["event"] for entry in entries] == ["request", "refused", "failed"]
    assert {entry["level"] for entry in entries[:2]} == {"info"}
    assert all(secret not in plain.getvalue() + jsoned.getvalue() for secret in SECRETS.values())
    assert max(map(len, plain.getvalue().splitlines())) < 30_000


def test_a_refusal_that_is_nobodys_fault_is_a_warning() -> None:
    """A host that is away is for the operator, a right that somebody lacks is not."""
    stream = io.StringIO()
    start_logging(Settings(), "json", stream)
    AuditLog(Counters()).refused(Asked(what="migrate"), "U0ALICE", HostUnreachable("HV01", "HV01 does not answer."))
    assert json.loads(stream.getvalue())["level"] == "warning"


def test_the_audit_log_is_kept_whatever_the_level_is(tmp_path: Path) -> None:
    """A log of errors alone: the file has the request all the same, nothing else has, and only its owner reads it."""
    file, stream = tmp_path / "audit.jsonl", io.StringIO()
    start_logging(Settings(), "plain", stream, level="error", audit_file=file)
    AuditLog(Counters()).asked(Asked(what="stop"), "U0BOB")
    logging.getLogger("bot.test").info("something else")
    assert stream.getvalue() == ""
    (line,) = file.read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["message"] == "request stop by U0BOB"
    assert file.stat().st_mode & 0o777 == 0o600


def test_the_audit_log_goes_on_where_it_ended_and_when_it_is_rotated(tmp_path: Path) -> None:
    """A restart adds to it; whoever moves it away gets a new one with the next line, without a word to the bot."""
    file, audit = tmp_path / "audit.jsonl", AuditLog(Counters())
    for user in ("U0ONE", "U0TWO"):
        start_logging(Settings(), "plain", io.StringIO(), audit_file=file)
        audit.asked(Asked(what="stop"), user)
    file.rename(tmp_path / "audit.jsonl.1")
    audit.asked(Asked(what="stop"), "U0THREE")
    old, new = (path.read_text(encoding="utf-8") for path in (tmp_path / "audit.jsonl.1", file))
    assert [("U0ONE" in text, "U0TWO" in text, "U0THREE" in text) for text in (old, new)] == [
        (True, True, False),
        (False, False, True),
    ]


def test_an_audit_log_that_takes_nothing_is_said_once(tmp_path: Path) -> None:
    """Its folder is gone: nothing breaks, the log says so in one line and has what the file should have had."""
    folder, stream = tmp_path / "gone", io.StringIO()
    folder.mkdir()
    start_logging(Settings(), "plain", stream, audit_file=folder / "audit.jsonl")
    (folder / "audit.jsonl").unlink()
    folder.rmdir()
    for _ in range(3):
        AuditLog(Counters()).asked(Asked(what="stop"), "U0BOB")
    told = stream.getvalue().splitlines()
    assert len([line for line in told if "cannot be written" in line]) == 1
    assert len([line for line in told if "request stop by U0BOB" in line]) == 3
    assert len(told) == 4


def test_without_an_audit_log_nothing_starts(tmp_path: Path) -> None:
    """What is done would leave no trace: the bot says in one sentence which file it is."""
    with pytest.raises(SettingsError, match=r"The audit .*audit.jsonl cannot be written: No such file"):
        start_logging(Settings(), audit_file=tmp_path / "none" / "audit.jsonl")


@pytest.mark.parametrize(
    ("audit", "says"),
    [
        ("bot-audit.jsonl", "bot-audit.jsonl, not there yet"),
        ("none/audit.jsonl", "cannot be written"),
        ("", "migrate-bot-audit.jsonl, not there yet"),
    ],
)
def test_check_looks_whether_it_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, audit: str, says: str
) -> None:
    """Before a start is refused for it; the look makes no file."""
    monkeypatch.chdir(tmp_path)
    where = (
        {"log": {"audit": str(tmp_path / audit)}} if audit else {"store": {"url": "postgresql+psycopg://bot@db/bot"}}
    )
    (line,) = (line for line in check_settings(Settings.model_validate(where)) if line.subject == "audit log")
    assert line.ok is ("cannot" not in says)
    assert f"{tmp_path}/{audit or 'migrate-bot-audit.jsonl'}" in line.text
    assert says in line.text
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "audit", "file"),
    [
        ("sqlite+aiosqlite:////var/lib/x/bot.db?timeout=5", None, "/var/lib/x/bot-audit.jsonl"),
        ("sqlite+aiosqlite:///bot.db", "/srv/audit.jsonl", "/srv/audit.jsonl"),
        ("postgresql+psycopg://bot@db/bot", None, "migrate-bot-audit.jsonl"),
        ("postgresql+psycopg://bot@db/bot", "audit.jsonl", "audit.jsonl"),
    ],
)
def test_where_the_audit_log_is(url: str, audit: str | None, file: str) -> None:
    """Beside the database's file, unless it is said; with a server in the working directory, as the control socket."""
    settings = Settings.model_validate({"store": {"url": url}, "log": {"audit": audit}})
    assert settings.audit_file == Path(file)
