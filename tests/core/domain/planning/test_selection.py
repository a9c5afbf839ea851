"""Promises of core.domain.planning.selection."""
# ruff: noqa: RUF001 - letters that look alike are what some of this is about

import pytest

from core.domain.model.hyperv_enums import ReplicationMode
from core.domain.model.inventory import Snapshot
from core.domain.planning.selection import remarks, select
from core.errors import AmbiguousVm, NothingToMove, UnknownVm
from tests.support.builders import HV01, HV02, HV03, snapshot, vm, vm_id


def source(*names: str) -> Snapshot:
    return snapshot(HV01, *(vm(number, name=name) for number, name in enumerate(names, 1)))


def names(*wanted: str, on: tuple[Snapshot, ...]) -> list[str]:
    return [one.name for _, one in select(wanted, on)]


def test_all_is_fixed_when_the_plan_is_made() -> None:
    """Weakness 27: ``all`` is a list of VMs, those that are there now; planned ones are not VMs yet."""
    one = snapshot(HV01, vm(1), vm(2), vm(3, is_planned=True))
    assert names("ALL", on=(one,)) == ["vm01", "vm02"]


def test_names_in_any_case_each_once_in_the_order_asked() -> None:
    """What is asked for twice is found once."""
    assert names("WEB02", "web*", "web01", on=(source("web01", "web02", "db01"),)) == ["web02", "web01"]


def test_several_sources_are_searched() -> None:
    """VMs of one request may be on different hosts; each is told with its host."""
    found = select(["web01", "db01"], [source("web01"), snapshot(HV02, vm(9, name="db01"))])
    assert [(host, one.name) for host, one in found] == [(HV01, "web01"), (HV02, "db01")]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("SRVSP*", ["SRVSP01", "srvsp02"]),
        ("srvsp0?", ["SRVSP01", "srvsp02"]),
        ("srvsp0[13-9]", ["SRVSP01"]),
        ("*", ["SRVSP01", "srvsp02", "web[1]", "O'Brien", "a.b (old)"]),
        ("O'*", ["O'Brien"]),
        ("a.b*", ["a.b (old)"]),
        ("*(old)", ["a.b (old)"]),
    ],
)
def test_globs(pattern: str, expected: list[str]) -> None:
    """Weakness 24: globs in any case; dots, quotes and parentheses are letters."""
    assert names(pattern, on=(source("SRVSP01", "srvsp02", "web[1]", "O'Brien", "a.b (old)"),)) == expected


def test_a_name_with_brackets_is_itself() -> None:
    """Weakness 24: a VM called ``web[1]`` is found by its name, before that is read as a glob."""
    assert names("WEB[1]", on=(source("web[1]", "web1"),)) == ["web[1]"]
    assert names("web[1]", on=(source("web1"),)) == ["web1"]


def test_a_dot_does_not_fit_every_letter() -> None:
    """A glob is no regular expression."""
    with pytest.raises(UnknownVm):
        names("a.b*", on=(source("aXb1"),))


def test_an_id_is_found_in_any_spelling() -> None:
    """An id picks one VM, with or without braces, in any case."""
    text = str(vm_id(2))
    for spelling in (text, text.upper(), f"{{{text}}}"):
        assert names(spelling, on=(source("a", "b"),)) == ["b"]


def test_a_name_that_looks_like_an_id_is_a_name_first() -> None:
    """Thirty-two hexadecimal digits may be a VM's name."""
    assert names("deadbeef" * 4, on=(source("deadbeef" * 4),)) == ["deadbeef" * 4]


def test_an_unknown_name_says_what_is_near_it() -> None:
    """Promise 12: a typo is answered with what was probably meant."""
    with pytest.raises(UnknownVm) as caught:
        names("wbe01", on=(source("web01", "db01"),))
    assert caught.value.sentence() == "wbe01 is not on HV01. Did you mean web01 or db01?"


def test_an_unknown_name_says_where_the_vm_is() -> None:
    """Promise 12: a VM that is on another host is answered with that host."""
    elsewhere = [snapshot(HV03, vm(9, name="Web09"))]
    for text in ("web09", str(vm_id(9))):
        with pytest.raises(UnknownVm) as caught:
            select([text], [source("web01"), snapshot(HV02)], elsewhere)
        assert caught.value.sentence() == f"{text} is not on HV01 or HV02. It is on HV03."


def test_a_glob_that_fits_nothing_is_an_answer() -> None:
    """Promise 12: a glob without a VM is no empty plan."""
    with pytest.raises(UnknownVm, match=r"No VM on HV01 fits x\*\."):
        names("x*", on=(source("web01"),))


def test_all_of_an_empty_host_is_an_answer() -> None:
    """Promise 12: nothing to move is said."""
    with pytest.raises(NothingToMove, match="There is no VM on HV01"):
        names("all", on=(source(),))


def test_two_vms_of_one_name_are_told_apart_by_id() -> None:
    """Promise 12: a name that stands for two VMs is never guessed; both ids are in the answer."""
    with pytest.raises(AmbiguousVm) as caught:
        names("web01", on=(source("web01", "WEB01"),))
    assert str(vm_id(1)) in caught.value.hint
    assert str(vm_id(2)) in caught.value.hint


def test_one_wrong_name_refuses_the_whole_request() -> None:
    """Promise 12: half of what was asked is not done in silence."""
    with pytest.raises(UnknownVm):
        names("web01", "nothing", on=(source("web01"),))


def test_a_replica_is_not_taken_for_its_primary() -> None:
    """Both have one id: by name, by id and by ``all`` the primary is meant, whichever host is named first."""
    replica = vm(1, replication_mode=ReplicationMode.REPLICA)
    primary = vm(1, replication_mode=ReplicationMode.PRIMARY)
    for wanted in ("all", "vm01", "vm*", str(vm_id(1))):
        for sources in (
            [snapshot(HV01, replica), snapshot(HV02, primary)],
            [snapshot(HV02, primary), snapshot(HV01, replica)],
        ):
            assert select([wanted], sources) == ((HV02, primary),)
    assert select(["all"], [snapshot(HV01, replica), snapshot(HV02, replica)]) == ((HV01, replica),)


@pytest.mark.parametrize(
    "typed",
    ["*web01*", "_web01_", "~web01~", "`web01`", "*_web01_*", "ｗｅｂ０１", "web\u200b01", "WEB01"],
)
def test_marks_around_a_name_are_no_pattern(typed: str) -> None:
    """Field cases 10 and 12: a bold name is one VM, and what looks the same is the same."""
    assert names(typed, on=(source("web01", "web010", "oldweb01"),)) == ["web01"]


def test_marks_around_several_names_are_no_pattern() -> None:
    """A list in bold begins with the mark at its first name and ends with it at its last."""
    assert names("*web01", "db01", "web02*", on=(source("web01", "oldweb01", "db01", "web02", "web020"),)) == [
        "web01",
        "db01",
        "web02",
    ]


def test_a_name_with_marks_of_its_own_is_itself() -> None:
    """Hyper-V allows the marks in a name; as it is spelled it wins."""
    assert names("_web01_", on=(source("web01", "_web01_"),)) == ["_web01_"]


def test_everything_in_bold_is_asked_about() -> None:
    """``*all*`` could be all VMs or those with all in their names: servers move, so nothing is guessed."""
    with pytest.raises(AmbiguousVm, match="in bold"):
        select(["*all*"], [source("firewall01", "web01")])


def test_patterns_and_marks_are_explained() -> None:
    """The approver reads which VMs a pattern stands for, and that a mark was taken for Slack's."""
    told = remarks(["web*", "*web01*", "db01"], [source("web01", "web02", "oldweb01", "db01")])
    assert told == (
        "web* stands for 2 VMs: web01, web02.",
        "*web01* is read as web01 in bold. As a pattern it would fit 1 VM: oldweb01 too.",
    )


def test_letters_that_look_alike_are_named() -> None:
    """A Cyrillic letter in a name is named, so that the question can be answered."""
    with pytest.raises(UnknownVm) as caught:
        select(["web01"], [source("w\u0435b01")])
    assert "CYRILLIC SMALL LETTER IE" in caught.value.hint


def test_decomposed_letters_are_the_same() -> None:
    """macOS decomposes umlauts: it is the same name, on this host and elsewhere."""
    assert names("mu\u0308ller01", on=(source("müller01"),)) == ["müller01"]
    with pytest.raises(UnknownVm) as caught:
        select(["mu\u0308ller01"], [source("web01")], [snapshot(HV03, vm(9, name="müller01"))])
    assert caught.value.hint == f"It is on {HV03}."


def test_two_names_that_look_the_same_are_asked_about() -> None:
    """Neither is spelled as typed, both look so: say which by id."""
    with pytest.raises(AmbiguousVm):
        select(["web1"], [source("web\uff11", "web\u200b1")])
