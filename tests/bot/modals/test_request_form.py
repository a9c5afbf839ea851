"""The form without Slack: what it shows, offers and refuses, and that it asks the same as the typed command."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.model import Migrate
from bot.commands.parser import parse
from bot.modals import request_form as form
from bot.modals.plan_preview import gone, looking, preview, refused
from bot.modals.request_form import About, request_form
from bot.modals.request_values import FormValues, check_form
from bot.modals.suggestions import offer_hosts, offer_vms
from core.config import Settings
from core.domain.model.hyperv_enums import VmState
from core.domain.model.inventory import Vm, VmId
from core.domain.model.plan import Finding, FindingCode, Options, Plan, Severity
from core.errors import RequestError
from lab.slack.workspace.blocks.check import is_too_large, view_problems
from tests.support.view_builders import plan

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def settings(count: int = 3, /, **sections: Any) -> Settings:
    hosts = {f"HV{n:02d}": {"address": f"hv{n:02d}.contoso.com", "path": "D:\\VMs"} for n in range(1, count + 1)}
    return Settings(**({"hosts": hosts} | sections))


def machine(number: int, name: str, **changes: Any) -> Vm:
    return replace(
        Vm(id=VmId(UUID(int=number + 1)), name=name, state=VmState.RUNNING, memory_startup_bytes=2**32), **changes
    )


INVENTORY = [machine(n, name) for n, name in enumerate(["web01", "web02", "db01", "twin", "Twin", "web 09", "all"])]


def entry(**changes: Any) -> FormValues:
    full = FormValues(source="HV01", vms=(str(INVENTORY[0].id),), destinations=("HV02",))
    return replace(full, **changes)


def read(filled: FormValues, **sections: Any) -> Any:
    return check_form(filled, settings(**sections), INVENTORY, NOW)


@pytest.mark.parametrize("count", [0, 1, 100, 101])
def test_slack_takes_the_form_whatever_the_settings(count: int) -> None:
    """Within every limit with any number of hosts, source chosen or not, freeze windows or not."""
    for source in ("", "HV01"):
        for freeze in ({}, {"freeze": {"windows": ("Mon-Fri 08:00-18:00",)}}):
            shown = request_form(settings(count, **freeze), About("C1", source if count else ""))
            assert view_problems(shown, "modal") == []
            assert not is_too_large(shown)


def test_the_pages_after_the_form_fit_slack() -> None:
    """The longest plan and the longest error keep to the limits of a modal."""
    findings = [
        Finding(
            severity=Severity.WARNING, code=FindingCode.ISO_MOUNTED, text=f"*<!channel>* web{n:04d} has an ISO. " * 20
        )
        for n in range(500)
    ]
    big = plan(
        [f"web{n:04d}" * 8 for n in range(5000)], findings=findings, options=Options(parallel=2, reason="x" * 300)
    )
    for page in (preview("t", big), looking("t"), refused("t", RequestError("x" * 9000)), gone("/migrate")):
        assert view_problems(page, "modal") == []
        assert not is_too_large(page)
    assert "<!channel>" not in str(preview("t", big))


def test_a_large_plan_is_looked_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Showing thousands of VMs does not ask anew for each which are blocked: the bot must stay awake meanwhile."""
    asked = 0
    blocked_ids = Plan.__dict__["blocked_ids"].func

    def counted(one: Plan) -> Any:
        nonlocal asked
        asked += 1
        return blocked_ids(one)

    monkeypatch.setattr(Plan, "blocked_ids", property(counted))
    preview("t", plan([f"web{n:04d}" for n in range(500)]))
    assert asked < 5


def test_what_travels_with_the_form_comes_back() -> None:
    """The channel and the source survive; what is not ours is nothing."""
    assert About.unpack(About("C1", "HV 01").pack()) == About("C1", "HV 01")
    for foreign in ("", "{}", "[1]", "x", "null"):
        assert About.unpack(foreign) == About()


def values(options: list[dict[str, Any]]) -> list[str]:
    return [option["value"] for option in options]


def test_vms_are_found_as_one_types() -> None:
    """Names that begin with what was typed first, then those that hold it; case does not count; ids are values."""
    names = [machine(n, name) for n, name in enumerate(["old-web", "web02", "WEB01", "db01"])]
    offered = offer_vms("web", names)
    assert [one["text"]["text"] for one in offered] == ["WEB01", "web02", "old-web"]
    assert values(offered)[0] == str(names[2].id)
    assert offer_vms("nosuch", names) == []


def test_all_and_patterns_are_single_choices() -> None:
    """`all` stands first while nothing is typed; a pattern is one choice with the number it means now."""
    assert values(offer_vms("", INVENTORY))[0] == "all"
    assert values(offer_vms("al", INVENTORY))[:2] == ["all", str(INVENTORY[6].id)]
    first = offer_vms("web*", INVENTORY)[0]
    assert (first["value"], first["description"]["text"]) == ("web*", "3 VMs now")


def test_a_host_never_seen_takes_names_as_typed() -> None:
    """Nothing known is no dead end: the plan will find out."""
    assert values(offer_vms("web77", [])) == ["web77"]
    assert offer_vms("", []) == []


MANY_HOSTS = [f"HV{n:03d}" for n in range(300)]


@given(st.text(max_size=200))
def test_any_typing_is_answered_within_limits(typed: str) -> None:
    """At most 100 options, unique values, and labels Slack takes."""
    many = [machine(n, f"web{n:04d}") for n in range(300)]
    for offered in (offer_vms(typed, many), offer_vms(typed, []), offer_hosts(typed, MANY_HOSTS)):
        assert len(offered) <= 100
        assert len(set(values(offered))) == len(offered)
        assert all(1 <= len(one["text"]["text"]) <= 75 and 1 <= len(one["value"]) <= 150 for one in offered)


def test_a_filled_form_asks_the_same_as_the_typed_command() -> None:
    """Every field becomes the command that the grammar makes of its text."""
    start, until = NOW + timedelta(hours=2), NOW + timedelta(hours=9)
    made = read(
        entry(
            vms=(str(INVENTORY[0].id), "db*", str(INVENTORY[5].id)),
            destinations=("HV02", "HV03"),
            path=' "E:\\My VMs" ',
            parallel="2",
            attempts="5",
            backup_wait="1h30m",
            flags=frozenset({form.SUBFOLDER, form.FAIL_FAST}),
            start_s=int(start.timestamp()),
            until_s=int(until.timestamp()),
            reason='new "disks"\nat last',
        )
    )
    assert isinstance(made, Migrate)
    options = Options(
        parallel=2,
        attempts=5,
        backup_wait_s=5400.0,
        subfolder=True,
        keep_drives=None,
        fail_fast=True,
        start_at=start,
        until=until,
        override="",
        reason='new "disks" at last',
    )
    assert made == Migrate(
        vms=("web01", "db*", "web 09"),
        sources=("HV01",),
        destinations=("HV02", "HV03"),
        path="E:\\My VMs",
        options=options,
    )
    assert parse(made.text, now=NOW, hosts=("HV01", "HV02", "HV03")) == made


def test_two_vms_of_one_name_stay_two() -> None:
    """Where a name says not which, or means something else, the id is asked."""
    ids = tuple(str(INVENTORY[n].id) for n in (3, 4, 6))
    made = read(entry(vms=ids))
    assert made.vms == ids
    assert parse(made.text, now=NOW).vms == ids  # type: ignore[union-attr]


def test_a_box_left_as_it_was_is_left_to_the_settings() -> None:
    """Only what differs from the settings becomes an option; a box switched off is a no."""
    usual: Any = {"migration": {"put_in_subfolder": True, "fail_fast": True}}
    made = read(entry(flags=frozenset({form.SUBFOLDER})), **usual)
    assert made.options == Options(fail_fast=False)
    shown = request_form(settings(**usual), About())
    (flags,) = [block for block in shown["blocks"] if block.get("block_id") == form.FLAGS]
    assert values(flags["element"]["initial_options"]) == [form.SUBFOLDER, form.FAIL_FAST]


SETTINGS = settings()
PAST, FAR = int((NOW - timedelta(hours=1)).timestamp()), int((NOW + timedelta(days=400)).timestamp())


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"source": ""}, form.SOURCE, "Choose a host"),
        ({"source": "HV77"}, form.SOURCE, "Choose a host"),
        ({"vms": (), "vms_block": "vms HV01"}, "vms HV01", "at least one VM"),
        ({"vms": (str(UUID(int=999)),)}, form.VMS, "not on HV01 any more"),
        ({"destinations": ()}, form.DESTINATIONS, "at least one host"),
        ({"destinations": ("HV77",)}, form.DESTINATIONS, "at least one host"),
        ({"destinations": ("HV02", "HV01")}, form.DESTINATIONS, "HV01 is where the VMs are"),
        ({"path": "VMs"}, form.PATH, "full folder"),
        ({"path": "D:\\"}, form.PATH, "full folder"),
        ({"parallel": "two"}, form.PARALLEL, "whole number"),
        ({"attempts": "0"}, form.ATTEMPTS, "whole number"),
        ({"backup_wait": "soon"}, form.BACKUP_WAIT, "duration"),
        ({"start_s": PAST}, form.START, "over"),
        ({"until_s": PAST}, form.UNTIL, "over"),
        ({"start_s": FAR}, form.START, "within a year"),
        ({"start_s": PAST + 9000, "until_s": PAST + 8000}, form.UNTIL, "before the start"),
    ],
)
def test_each_mistake_is_told_at_its_field(changes: dict[str, Any], field: str, says: str) -> None:
    """Errors are keyed by the block_id of the field that is wrong, and only that one."""
    errors = read(entry(**changes))
    assert isinstance(errors, dict)
    assert list(errors) == [field]
    assert says in errors[field]


def test_a_destination_without_a_folder_asks_for_one() -> None:
    """Only where the settings have none, and not when the form has one."""
    hosts = {"HV01": {"address": "a"}, "HV02": {"address": "b"}}
    assert "HV02" in read(entry(), hosts=hosts)[form.PATH]
    assert isinstance(read(entry(path="D:\\VMs"), hosts=hosts), Migrate)


@given(st.builds(FormValues, source=st.text(max_size=20), vms=st.tuples(st.text(max_size=20)),
                 path=st.text(max_size=30), parallel=st.text(max_size=8), backup_wait=st.text(max_size=8),
                 reason=st.text(max_size=40), start_s=st.none() | st.integers(0, 2**33)))  # fmt: skip
def test_any_filling_is_a_command_or_errors(filled: FormValues) -> None:
    """Nothing anybody types makes the form break."""
    found = check_form(filled, SETTINGS, INVENTORY, NOW)
    assert found
