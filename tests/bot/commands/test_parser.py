"""Commands as people type them are understood, or answered with one sentence and an example that is right."""
# ruff: noqa: RUF001 - curly quotes and dashes are what people type

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.errors import CommandError
from bot.commands.model import (
    Back,
    Cancel,
    Command,
    Handover,
    Help,
    History,
    Hosts,
    Insights,
    Jobs,
    Migrate,
    Pause,
    Resume,
    Retry,
    Status,
    Stop,
    Where,
    write,
)
from bot.commands.parser import in_time_zone, parse
from bot.commands.slack_text import clean
from bot.commands.vocabulary import KEYWORDS, OPTIONS, VERBS
from core.domain.model.job import JobId
from core.domain.model.plan import Options

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PAIR = " from HV01 to HV02"


def read(text: str, now: datetime = NOW) -> Command:
    return parse(clean(text), now=now, hosts=["HV01", "HV02"])


def move(text: str, now: datetime = NOW) -> Migrate:
    command = read(text, now)
    assert isinstance(command, Migrate)
    return command


def mistake(text: str) -> CommandError:
    with pytest.raises(CommandError) as caught:
        read(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "vms"),
    [
        ("web01,web02", ("web01", "web02")),
        ("web01, web02 ,web03", ("web01", "web02", "web03")),
        ("web01 web02", ("web01", "web02")),
        ('"web 01",web02', ("web 01", "web02")),
        ("“web 01”, web02", ("web 01", "web02")),
        ("'web 01' O'Brien", ("web 01", "O'Brien")),
        ("SRVSP*", ("SRVSP*",)),
        ("all", ("all",)),
        ("6F9619FF-8B86-D011-B42D-00C04FC964FF", ("6F9619FF-8B86-D011-B42D-00C04FC964FF",)),
        ("<http://web01.contoso.com|web01.contoso.com>", ("web01.contoso.com",)),
        ("status", ("status",)),
        ("stop,web02", ("stop", "web02")),
        ('"from","to"', ("from", "to")),
        ('"6"" rack"', ('6" rack',)),
        ("web01,,web01,", ("web01",)),
    ],
)
def test_vm_names_come_with_commas_spaces_or_quotes(text: str, vms: tuple[str, ...]) -> None:
    """However a list of VMs is typed, the same names come out."""
    assert move(text + PAIR).vms == vms


@pytest.mark.parametrize(
    "text",
    [
        "web01 from HV01,HV03 to HV02,HV04",
        "web01 FROM HV01, HV03 To HV02 HV04",
        "web01 to HV02,HV04 from HV01,HV03",
        "web01 —from HV01,HV03 —to HV02,HV04",
        "web01 from=HV01,HV03 to=HV02,HV04",
    ],
)
def test_hosts_come_in_any_order_and_case(text: str) -> None:
    """Many sources and destinations are read in every forgiving form."""
    command = move(text)
    assert (command.sources, command.destinations) == (("HV01", "HV03"), ("HV02", "HV04"))


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (r"path D:\VMs", "D:\\VMs"),
        (r"path D:\My VMs", "D:\\My VMs"),
        (r"path D:\My VMs\ --parallel 2", "D:\\My VMs\\"),
        (r"path D:\My VMs, new parallel=2", "D:\\My VMs, new"),
        ('path "C:\\VMs\\My VM\\"', "C:\\VMs\\My VM\\"),
        (r"path \\fs01\d$\My VMs subfolder", r"\\fs01\d$\My VMs"),
        (r"path=D:\My VMs", "D:\\My VMs"),
        ('path="D:\\up to date" attempts 2', "D:\\up to date"),
        (r'--path D:\"My VMs"\x', "D:\\My VMs\\x"),
        (r"path D:\O'Brien & Söhne", "D:\\O'Brien & Söhne"),
    ],
)
def test_paths_keep_every_character(text: str, path: str) -> None:
    """Windows and UNC paths arrive whole, with spaces and trailing backslash."""
    assert move("web01" + PAIR + " " + text.replace("&", "&amp;")).path == path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("--parallel 2", Options(parallel=2)),
        ("parallel=2", Options(parallel=2)),
        ("Parallel 2", Options(parallel=2)),
        ("-parallel 2", Options(parallel=2)),
        ("–parallel=2, attempts=5", Options(parallel=2, attempts=5)),
        ("backup-wait 1h30m", Options(backup_wait_s=5400)),
        ("backup_wait=90s", Options(backup_wait_s=90)),
        ("subfolder keep-drives fail-fast", Options(subfolder=True, keep_drives=True, fail_fast=True)),
        ("ignore-backups", Options(ignore_backups=True)),
        ("--Ignore_Backup no", Options(ignore_backups=False)),
        ("no-ignore-backups", Options(ignore_backups=False)),
        ("subfolder=no --keep-drives off no-fail-fast", Options(subfolder=False, keep_drives=False, fail_fast=False)),
        ("at 22:00", Options(start_at=datetime(2026, 11, 23, 22, tzinfo=UTC))),
        ("at 9:30", Options(start_at=datetime(2026, 11, 24, 9, 30, tzinfo=UTC))),
        ("at=2026-11-24T22:00", Options(start_at=datetime(2026, 11, 24, 22, tzinfo=UTC))),
        ("at 2026-11-24 22:00 parallel 2", Options(start_at=datetime(2026, 11, 24, 22, tzinfo=UTC), parallel=2)),
        ("at 2026-11-24T22:00+01:00", Options(start_at=datetime(2026, 11, 24, 21, tzinfo=UTC))),
        ("until 04:00", Options(until=datetime(2026, 11, 24, 4, tzinfo=UTC))),
        ("--until 2026-11-24T04:00", Options(until=datetime(2026, 11, 24, 4, tzinfo=UTC))),
        (
            "until=4:00 at=2026-11-25T22:00",
            Options(start_at=datetime(2026, 11, 25, 22, tzinfo=UTC), until=datetime(2026, 11, 26, 4, tzinfo=UTC)),
        ),
        ('--override "the owner agreed"', Options(override="the owner agreed")),
        ("override=urgent --reason new disks", Options(override="urgent", reason="new disks")),
        ('reason="new disks"', Options(reason="new disks")),
        ("reason moving from old to new, at last", Options(reason="moving from old to new, at last")),
        ("reason new disks --parallel 2", Options(reason="new disks", parallel=2)),
    ],
)
def test_options_come_in_every_form(text: str, expected: Options) -> None:
    """Marked with dashes, with an equals sign or bare, an option means the same."""
    assert move("web01" + PAIR + " " + text).options == expected


def test_a_time_is_meant_in_the_time_zone_of_who_types_it() -> None:
    """``at 22:00`` typed in Berlin starts at 22:00 in Berlin."""
    berlin = NOW.astimezone(timezone(timedelta(hours=1)))
    assert move("web01 from a1 to a2 at 22:00", berlin).options.start_at == datetime(2026, 11, 23, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "typed", "starts"),
    [
        # On 28 March 2027 clocks in Berlin go from 02:00 to 03:00, at 01:00 UTC.
        (datetime(2027, 3, 27, 22, tzinfo=UTC), "02:30", datetime(2027, 3, 28, 1, tzinfo=UTC)),
        (datetime(2027, 3, 27, 22, tzinfo=UTC), "2027-03-28 02:30", datetime(2027, 3, 28, 1, tzinfo=UTC)),
        (datetime(2027, 3, 27, 20, tzinfo=UTC), "22:00", datetime(2027, 3, 27, 21, tzinfo=UTC)),
        (datetime(2027, 3, 27, 21, 30, tzinfo=UTC), "22:00", datetime(2027, 3, 28, 20, tzinfo=UTC)),
        # On 25 October 2026 they show 02:30 twice, at 00:30 and 01:30 UTC.
        (datetime(2026, 10, 25, 0, 10, tzinfo=UTC), "02:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        (datetime(2026, 10, 25, 1, 10, tzinfo=UTC), "02:30", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
        (datetime(2026, 10, 25, 1, 40, tzinfo=UTC), "02:30", datetime(2026, 10, 26, 1, 30, tzinfo=UTC)),
    ],
)
def test_a_time_of_day_across_a_clock_change(now: datetime, typed: str, starts: datetime) -> None:
    """Left out: when clocks are put on. Shown twice: the next; it stays the same time of day on the day after."""
    berlin = now.astimezone(ZoneInfo("Europe/Berlin"))
    assert move(f"web01 from a1 to a2 at {typed}", berlin).options.start_at == starts


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("", Help()),
        (" , ", Help()),
        ("help", Help()),
        ("HELP Path", Help("path")),
        ("Status J12", Status(JobId("J12"))),
        ("status", Status()),
        ("status j12", Status(JobId("J12"))),
        ("status #12", Status(JobId("J12"))),
        ("jobs", Jobs()),
        ("hosts", Hosts()),
        ("cancel J1", Cancel(JobId("J1"))),
        ("cancel 1 my web 01", Cancel(JobId("J1"), "my web 01")),
        ('cancel J1 "my web 01"', Cancel(JobId("J1"), "my web 01")),
        ("stop", Stop()),
        ("resume", Resume()),
        ("retry J3", Retry(JobId("J3"))),
        ("history J3", History(JobId("J3"))),
        ("pause j1", Pause(JobId("J1"))),
        ("resume #1", Resume(JobId("J1"))),
        ("back J1", Back(JobId("J1"))),
        ("handover", Handover()),
        ("insights", Insights()),
        ("Insights 90d", Insights(timedelta(days=90))),
        ("insights 90", Insights(timedelta(days=90))),
        ("insights for the last 2 weeks", Insights(timedelta(days=14))),
        ("insights last month", Insights(timedelta(days=30))),
        ("insights a week", Insights(timedelta(days=7))),
        ("insights 36 hours", Insights(timedelta(hours=36))),
        ("insights 0d", Insights(timedelta(hours=1))),
        ("insights 999999 years", Insights(timedelta(days=3660))),
        ("insights ever", Insights(timedelta(days=3650))),
        ("where web01", Where("web01")),
        ("Where my web 01", Where("my web 01")),
        ('where "J1"', Where("J1")),
        ("where J1", Where("J1")),
        ("status web01", Status(vm="web01")),
        ("status my web 01", Status(vm="my web 01")),
        ('status "J1"', Status(vm="J1")),
    ],
)
def test_sub_commands_are_read_in_any_case(text: str, command: Command) -> None:
    """Every sub-command is understood with its job and VM."""
    assert read(text) == command


@pytest.mark.parametrize("text", ["cancel J-1", "resume J-1", "pause -1", "retry JJ1", "history J\u0661"])
def test_what_is_nearly_the_number_of_a_job_is_none(text: str) -> None:
    """Whoever mistypes a number may mean another job: it is asked for again, and nothing is done to one."""
    with pytest.raises(CommandError, match="needs a job, such as J1"):
        read(text)


@pytest.mark.parametrize(
    ("text", "says", "example"),
    [
        ("statsu J1", "did you mean status?", "status J1"),
        ("web01 form HV01 to HV02", "did you mean from?", "web01 from HV01 to HV02"),
        ("web01 from HV01 ot HV02", "did you mean to?", "web01 from HV01 to HV02"),
        ("web01 from HV01 -> HV02", "did you mean to?", "web01 from HV01 to HV02"),
        ("web01 on HV01 to HV02", "did you mean from?", "web01 from HV01 to HV02"),
        ("web01 to HV02", "From which host?", "web01 from HV01 to HV02"),
        ("web01 from HV02", "To which host?", "web01 from HV02 to HV01"),
        ("web01 from to HV02", "From which host?", "web01 from HV01 to HV02"),
        ("from HV01 to HV02", "Which VMs?", "web01,web02 from HV01 to HV02"),
        ("web01" + PAIR + " --paralel 2", "did you mean parallel?", "web01 from HV01 to HV02 --parallel 2"),
        ("web01" + PAIR + " paralel 2", "did you mean parallel?", "web01 from HV01 to HV02 parallel 2"),
        ("web01" + PAIR + " paralel=2", "did you mean parallel?", "web01 from HV01 to HV02 --parallel=2"),
        ("web01" + PAIR + " parallel two", 'but says "two"', "web01 from HV01 to HV02 parallel 2"),
        ("web01" + PAIR + " parallel 0", "from 1 to 1000", "web01 from HV01 to HV02 parallel 2"),
        ("web01" + PAIR + " parallel", "parallel needs a value", "web01 from HV01 to HV02 parallel=2"),
        ("web01" + PAIR + " backup-wait soon", "a duration such as 90s", "web01 from HV01 to HV02 backup-wait 1h30m"),
        ("web01" + PAIR + " backup-wait 9d", "7 days at most", "web01 from HV01 to HV02 backup-wait 1h30m"),
        ("web01" + PAIR + " subfolder=maybe", "yes or no", "web01 from HV01 to HV02 subfolder=yes"),
        ("web01" + PAIR + " at 25:00", "a time such as 22:00", "web01 from HV01 to HV02 at 22:00"),
        ("web01" + PAIR + " at 2020-01-01T10:00", "is over", "web01 from HV01 to HV02 at 2026-11-24T22:00"),
        ("web01" + PAIR + " at 2062-01-01T10:00", "within a year", "web01 from HV01 to HV02 at 2026-11-24T22:00"),
        ("web01" + PAIR + " path VMs", 'not "VMs"', "web01 from HV01 to HV02 path D:\\VMs"),
        ("web01" + PAIR + " path", "none follows", "web01 from HV01 to HV02 path D:\\VMs"),
        ("web01" + PAIR + " reason", "reason needs some words", 'web01 from HV01 to HV02 reason "host maintenance"'),
        ("web01" + PAIR + " from HV03", "from is there twice", "web01 from HV01 to HV02"),
        ("web01" + PAIR + " parallel 2 now", 'not expect "now" after "2"', "web01 from HV01 to HV02 parallel 2"),
        ('"web 01' + PAIR, "never closed", None),
        ("cancel", "cancel needs a job", "cancel J1"),
        ("retry web01", 'not "web01"', "retry J1"),
        ("retry J1 to HV03", "for another host, ask anew.", "retry J1"),
        ("history J1 J2", 'but "J2" follows', "history J1"),
        ("jobs J1", "status shows one", "status J1"),
        ("stop J1", "cancel it", "cancel J1"),
        ("hosts J1", "nothing more", "hosts"),
        ("handover J1", "nothing more", "handover"),
        ("insights lots", 'such as 30d, not "lots"', "insights 30d"),
        ("insights 30d of J1", "such as 30d", "insights 30d"),
        ("pause", "pause needs a job, such as J1; to start nothing at all, say stop.", "pause J1"),
        ("back", "back needs a job", "back J1"),
        ("resume web01", 'not "web01"', "resume J1"),
        ("status J1 J2", 'but "J2" follows', "status J1"),
        ("where", "where needs a VM", "where web01"),
        ("where web01, web02", 'takes one VM, but ", web02" follows', "where web01"),
        ("wehre web01", "did you mean where?", "where web01"),
        ("web01" + PAIR + " until", "until needs a value", "web01 from HV01 to HV02 until=04:00"),
        ("web01" + PAIR + " until soon", "until needs a time such as 22:00", "web01 from HV01 to HV02 until 22:00"),
        ("web01" + PAIR + " until 2020-01-01T10:00", "is over", "web01 from HV01 to HV02 until 2026-11-24T22:00"),
        (
            "web01" + PAIR + " at 2026-11-25T22:00 until 2026-11-25T04:00",
            "until must be later than at",
            "web01 from HV01 to HV02 at 2026-11-25T22:00 until 2026-11-26T04:00",
        ),
        ("web01" + PAIR + " --override", "override needs some words",
         'web01 from HV01 to HV02 --override "agreed with the owner"'),
    ],
)  # fmt: skip
def test_a_mistake_is_answered_at_its_place(text: str, says: str, example: str | None) -> None:
    """One sentence names the place, and the example is the person's own command put right."""
    unclear = mistake(text)
    assert says in unclear.message
    assert unclear.message.count(".") <= 3
    if example is not None:
        assert unclear.example == f"/migrate {example}"


def test_the_place_of_a_mistake_is_exact() -> None:
    """Start and end mark the word that is wrong."""
    text = "web01 from HV01 to HV02 parallel two"
    unclear = mistake(text)
    assert text[unclear.start : unclear.end] == "two"


TYPED = """--parallel parallel= at= path= J1 22:00 2 web01 HV01 form -- - = reason= 2026-11-23 yes 1h &lt; <@U1> —to
, " ' D:\\My \\\\fs01\\x$"""
WORDS = st.sampled_from([*VERBS, *KEYWORDS, *OPTIONS, *TYPED.split()])
SENTENCES = st.lists(st.one_of(WORDS, st.text(max_size=6)), max_size=14).map(" ".join)


@given(st.one_of(SENTENCES, st.text(max_size=120)), st.booleans())
def test_no_text_breaks_the_grammar(text: str, is_cleaned: bool) -> None:
    """Whatever is typed, the answer is a command or CommandError, and every example is right."""
    example = "/migrate"
    try:
        write(parse(clean(text) if is_cleaned else text, now=NOW))
    except CommandError as unclear:
        example = unclear.example
    assert example.startswith("/migrate")
    parse(example.removeprefix("/migrate").strip(), now=NOW)


NAMES = st.one_of(
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9 ._*'-]{0,15}", fullmatch=True).map(str.strip),
    st.sampled_from(
        ["all", "SRVSP*", "O'Brien", 'six"inch', "from", "status", "<!channel>", "*_~", "a,b", "--x", "a=b"]
    ),
    st.text(min_size=1, max_size=10).filter(lambda name: name.strip() == name != ""),
)
LISTS = st.lists(NAMES, min_size=1, max_size=4, unique=True).map(tuple)
PATHS = st.one_of(st.just(""), st.from_regex(r"[A-Z]:\\[A-Za-z0-9 _$&,'\"\\-]{0,20}", fullmatch=True))
OPTION_SETS = st.builds(
    Options,
    parallel=st.integers(0, 1000),
    attempts=st.none() | st.integers(1, 100),
    backup_wait_s=st.none() | st.integers(0, 7 * 86400).map(float),
    subfolder=st.none() | st.booleans(),
    keep_drives=st.none() | st.booleans(),
    fail_fast=st.none() | st.booleans(),
    ignore_backups=st.none() | st.booleans(),
    start_at=st.none() | st.integers(1, 60 * 24 * 360).map(lambda minutes: NOW + timedelta(minutes=minutes)),
    until=st.none() | st.integers(60 * 24 * 361, 60 * 24 * 365).map(lambda minutes: NOW + timedelta(minutes=minutes)),
    override=st.text(alphabet="abc from to\"'=--,path", max_size=20),
    reason=st.text(alphabet="abc from to\"'=--,path", max_size=20),
)
JOBS = st.integers(0, 10**8).map(lambda number: JobId(f"J{number}"))
COMMANDS = st.one_of(
    st.builds(Migrate, vms=LISTS, sources=LISTS, destinations=LISTS, path=PATHS, options=OPTION_SETS),
    st.builds(Status, st.none() | JOBS),
    st.builds(Status, vm=NAMES),
    st.builds(Where, NAMES),
    st.builds(Resume, st.none() | JOBS),
    st.builds(Pause, JOBS),
    st.builds(Back, JOBS),
    st.builds(Cancel, JOBS, st.just("") | NAMES),
    st.builds(Retry, JOBS),
    st.builds(History, JOBS),
    st.sampled_from([Jobs(), Hosts(), Stop(), Handover(), Help(), Help("path")]),
)


@given(COMMANDS)
def test_a_written_command_reads_back_the_same(command: Command) -> None:
    """What the bot writes down as a command, it understands exactly so."""
    assert parse(write(command), now=NOW) == command


@pytest.mark.parametrize("zone", ["America/New_York", "UTC", "Asia/Tokyo"])
@pytest.mark.parametrize("start", ["", "at 22:00", "at 2026-11-24 01:00", "at=2026-11-24T08:00Z"])
@pytest.mark.parametrize("end", ["", "until 04:00", "until 2026-11-26T09:00", "until=2026-11-25T01:00+02:00"])
def test_times_read_again_are_those_of_the_person(zone: str, start: str, end: str) -> None:
    """In another zone a command's times mean what they would have meant had it been typed there; the rest stays."""
    typed = move(f"web01 from HV01 to HV02 {start} {end} reason=work")
    local = NOW.astimezone(ZoneInfo(zone))
    assert in_time_zone(typed, now=local) == move(typed.text, local)


def test_a_time_that_is_over_where_the_person_is_is_a_mistake_of_its_own() -> None:
    """Where it is later already, the time is over; the example is right there."""
    local = NOW.astimezone(ZoneInfo("Asia/Tokyo"))
    typed = move(f"web01 from HV01 to HV02 at {NOW + timedelta(minutes=5):%Y-%m-%dT%H:%M}")
    with pytest.raises(CommandError, match="is over") as caught:
        in_time_zone(typed, now=local)
    assert isinstance(parse(caught.value.example.removeprefix("/migrate "), now=local), Migrate)
