"""What clients do to text is undone, and nothing else is touched."""
# ruff: noqa: RUF001 - curly quotes and dashes are what this is about

import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from bot.commands.slack_text import clean


@pytest.mark.parametrize(
    ("arrives", "meant"),
    [
        ("“web 01” from HV01", '"web 01" from HV01'),
        ("‘x’ O’Brien", "'x' O'Brien"),
        ("web01 —to hv02 –parallel 2", "web01 --to hv02 --parallel 2"),
        ("srv–db — x", "srv–db — x"),
        ('"web –prod" —to', '"web –prod" --to'),
        ("<http://hv01.contoso.com|hv01.contoso.com>", "hv01.contoso.com"),
        ("<http://hv01.contoso.com>", "hv01.contoso.com"),
        ("<http://hv01.contoso.com/>", "hv01.contoso.com"),
        ("<mailto:a@b.c|a@b.c>", "a@b.c"),
        (r"\\<http://fs01.contoso.com|fs01.contoso.com>\d$\x", r"\\fs01.contoso.com\d$\x"),
        ("a &amp;amp; &lt;b&gt;", "a &amp; <b>"),
        ("<@U1|bob> <@U1> <#C1|ops> <#C1|>", "@bob @U1 #ops #C1"),
        ("&lt;@U1&gt;", "<@U1>"),
        ("&amp;lt;b", "&lt;b"),
        ("<!here> <!subteam^S1|@ops>", "@here @ops"),
        ("web01\u00a0from\u2003HV01\n to\t HV02 ", "web01 from HV01 to HV02"),
        ("we\u200bb01\u202a \ufeffx\u00ad", "web01 x"),
        ('path "D:\\My  VMs\\"', 'path "D:\\My  VMs\\"'),
        (r"C:\VMs\My VM \\fs01\d$\x DOM\user", r"C:\VMs\My VM \\fs01\d$\x DOM\user"),
    ],
)
def test_what_the_client_did_is_undone(arrives: str, meant: str) -> None:
    """Links, entities, curly quotes, dashes and odd spaces come out as they were typed."""
    assert clean(arrives) == meant


@pytest.mark.parametrize(
    ("arrives", "meant"),
    [
        ("```\nweb01\nweb02\n``` from HV01 to HV02", "web01 web02 from HV01 to HV02"),
        ("• web01\n• web02\nfrom HV01", ", web01 , web02 from HV01"),
        ("- web01\n- web02 from HV01", ", web01 , web02 from HV01"),
        ("* web01\n* web02 from HV01", ", web01 , web02 from HV01"),
        ("* from HV01 to HV02", "* from HV01 to HV02"),
        ("1. web01\n2) web02 from HV01", ", web01 , web02 from HV01"),
        ("• `web01` live, 41 GB\n⛔ `db 02` off, 8.5 GB\nfrom HV01", ", `web01` , `db 02` from HV01"),
        ("*web01 from HV01 to HV02*", "web01 from HV01 to HV02"),
        ("`web01 from HV01 to HV02`", "web01 from HV01 to HV02"),
        ("web* from HV01 to HV02", "web* from HV01 to HV02"),
        (r"web01 to HV02 path D:\VMs\1. alt", r"web01 to HV02 path D:\VMs\1. alt"),
    ],
)
def test_lists_and_cards_can_be_pasted(arrives: str, meant: str) -> None:
    """Field case 11: bullets, numbers, code fences and what a card says behind a name are no part of it."""
    assert clean(arrives) == meant


@pytest.mark.parametrize(
    ("arrives", "meant"),
    [
        ("web:rocket: from HV01", "web🚀 from HV01"),
        (":wave::skin-tone-3: :flag-de: :large_green_circle:", "👋🏼 🇩🇪 🟢"),
        (":nosuch: 12:30:00 at 22:00", ":nosuch: 12:30:00 at 22:00"),
        ("ｗｅｂ０１，ｗｅｂ０２、ｄｂ", "web01,web02,db"),
        ('path "Ｄ:\\Ｘ"', 'path "Ｄ:\\Ｘ"'),
        ("«web 01»", '"web 01"'),
        ("mu\u0308ller01", "müller01"),
    ],
)
def test_names_arrive_as_they_look(arrives: str, meant: str) -> None:
    """Field case 12: emoji codes, full-width forms, guillemets, composed letters; what is quoted stays."""
    assert clean(arrives) == meant


@given(st.text(max_size=200))
def test_any_text_is_cleaned_to_one_line(text: str) -> None:
    """No text raises, and the result is one trimmed line."""
    cleaned = clean(text)
    assert cleaned == cleaned.strip()
    assert "\n" not in cleaned


@example("_ _")
@given(st.text(alphabet="abcXYZ019\\:$._-/ ", max_size=100))
def test_paths_survive(text: str) -> None:
    """Backslashes, colons, dollars and trailing backslashes are never touched; a text that begins a list is one."""
    assume(not re.match(r" *(?:-|[0-9]{1,3}[.)]) ", text))
    assume(not re.search(r":[\w-]+:", text))  # the code of an emoji
    assume(not re.fullmatch(r" *_[^_ ][^_]*_ *", text))  # all of it in italics
    assert clean(text) == " ".join(text.split())
