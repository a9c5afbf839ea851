"""Who owns a VM, and why: what somebody wrote down, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.model.ownership import Found, Owned, Owner, Person, read_person
from core.domain.reporting.owners import WORDS_ROOM, as_words, by_owner, found_owner, named_owner

PATTERNS = {
    "sql*": "dba@contoso.com",
    "web*": "U0WEB",
    "*01": "first@contoso.com",
    "sql99": "U0DBA",
    "web0*": "U0WEB",
}


@pytest.mark.parametrize(
    ("text", "person"),
    [
        ("ann@contoso.com", "ann@contoso.com"),
        ("  Ann.B+vm@Sub.Contoso.COM ", "ann.b+vm@sub.contoso.com"),
        ("U0ANN", "U0ANN"),
        ("<@U0ANN>", "U0ANN"),
        ("<@W0ANN|ann>", "W0ANN"),
        ("<mailto:ann@contoso.com|ann@contoso.com>", "ann@contoso.com"),
        ("Ann from accounting", ""),
        ("u0ann", ""),
        ("ann@contoso", ""),
        ("ann@contoso.com, bob@contoso.com", ""),
        ("<!channel>", ""),
        ("<@U0ANN> <!here>", ""),
        ("\u0430nn@contoso.com", ""),  # the first letter is Cyrillic
        ("a" * 300 + "@contoso.com", ""),
        ("", ""),
    ],
)
def test_a_person_is_an_address_or_a_member_id(text: str, person: str) -> None:
    """Nothing else is taken for one, whatever it looks like."""
    assert read_person(text) == person


@given(st.text(max_size=300))
def test_whatever_notes_hold_is_a_person_or_nobody(text: str) -> None:
    """What is read of any text is in the form of an address or an id, and reads as itself."""
    person = read_person(text)
    assert person == "" or (read_person(person) == person and not set(person) & set("<>|\n\r "))


@pytest.mark.parametrize(
    ("name", "notes", "named", "why"),
    [
        ("sql05", (), "dba@contoso.com", "by sql* in the settings"),
        ("SQL05", (), "dba@contoso.com", "by sql* in the settings"),
        ("sql99", (), "U0DBA", "by sql99 in the settings"),
        ("sql05", ("ann@contoso.com",), "ann@contoso.com", "by the VM's notes"),
        ("sql05", ("Ann@contoso.com", "<@U0X> or so", "ann@CONTOSO.com"), "ann@contoso.com", "by the VM's notes"),
        ("sql01", (), "", "the settings name 2 owners: by *01 and sql*"),
        ("sql01", ("U0ANN",), "U0ANN", "by the VM's notes"),
        ("app", ("U0ANN", "U0BEN"), "", "its notes name 2 owners"),
        ("sql05", ("U0ANN", "U0BEN"), "dba@contoso.com", "by sql* in the settings"),
        ("app", ("Ann",), "", "its notes name an owner, but no mail address and no member id"),
        ("sql05", ("Ann",), "dba@contoso.com", "by sql* in the settings"),
        ("app", (), "", ""),
    ],
)
def test_who_is_named_and_why(name: str, notes: tuple[str, ...], named: str, why: str) -> None:
    """Notes go before patterns, the name itself before other patterns; two different people are nobody."""
    owner = named_owner(name, notes, PATTERNS)
    assert (owner.named, owner.why, owner.found, owner.hears) == (named, why, Found.NOBODY, "")


@given(
    st.sampled_from(["sql01", "sql05", "sql99", "web05", "app"]),
    st.lists(st.sampled_from(["U0ANN", "U0BEN", "x", "ann@contoso.com"]), max_size=4),
    st.permutations(list(PATTERNS.items())),
)
def test_the_order_of_notes_and_patterns_changes_nothing(
    name: str, notes: list[str], patterns: list[tuple[str, str]]
) -> None:
    """Nobody is chosen by chance: the same lines and patterns in any order name the same person."""
    assert named_owner(name, notes, PATTERNS) == named_owner(name, notes[::-1], dict(patterns))


@pytest.mark.parametrize("found", list(Found))
def test_only_who_is_known_hears(found: Found) -> None:
    """Whoever left, is a guest, from elsewhere, a bot or nobody is told nothing."""
    owner = found_owner(Owner("ann@contoso.com", "by the VM's notes"), Person(found, "U0ANN"))
    assert owner.hears == ("U0ANN" if found is Found.KNOWN else "")


def test_vms_are_together_by_who_hears_of_them() -> None:
    """One person is one entry however he is named; of whom nothing is written down is left out."""
    ann = Owner("ann@contoso.com", "by the VM's notes", Found.KNOWN, "U0ANN")
    same = Owner("U0ANN", "by a* in the settings", Found.KNOWN, "U0ANN")
    gone = Owner("x@contoso.com", "by the VM's notes", Found.UNKNOWN)
    unclear = Owner(why="its notes name 2 owners")
    rows = [("a", gone), ("b", ann), ("c", None), ("d", same), ("e", Owner()), ("f", gone), ("g", unclear)]
    assert by_owner(rows) == (Owned(ann, ("b", "d")), Owned(gone, ("a", "f")), Owned(unclear, ("g",)))


@given(st.text(max_size=500))
def test_words_are_one_bounded_line(text: str) -> None:
    """An owner's words fit on the card, whatever was typed."""
    words = as_words(text)
    assert len(words) <= WORDS_ROOM
    assert words == " ".join(words.split())
