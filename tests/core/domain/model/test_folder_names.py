"""Only a folder that means what it shows is taken for one; everything Windows reads into a path is refused."""

from ntpath import normpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.model.folder_names import is_allowed, normal, why_refused

HOSTILE = {
    "\\\\?\\D:\\VMs": "names a device",
    "\\\\.\\D:\\VMs": "names a device",
    "\\\\?\\UNC\\evil\\share": "names a device",
    "//?/D:/VMs": "names a device",
    "\\??\\D:\\VMs": "names a device",
    "\\\\.\\pipe\\x": "names a device",
    "\\\\?\\GLOBALROOT\\Device\\Mup\\evil\\x": "names a device",
    "\\\\evil@443\\DavWWWRoot\\x": "no plain name",
    "\\\\evil@SSL@443\\share": "no plain name",
    "\\\\evil:445\\share": "no plain name",
    "\\\\evil": "names no share",
    "D:\\VMs\\..\\..\\Windows\\System32": "leads elsewhere",
    "D:/VMs/../../x": "leads elsewhere",
    "D:\\VMs\\.\\x": "leads elsewhere",
    "\\\\files\\vms\\..\\c$": "leads elsewhere",
    "D:\\VMs\\x:stream": "names a stream",
    "D:\\VMs\\x::$INDEX_ALLOCATION": "names a stream",
    "D:\\VMs:x": "names a stream",
    "D:\\VMs\\a|b": "no folder can be called",
    "D:\\VMs\\a?": "no folder can be called",
    "D:\\VMs\\*": "no folder can be called",
    'D:\\VMs\\"a"': "no folder can be called",
    "D:\\VMs\\<a>": "no folder can be called",
    "D:\\VMs\\NUL": "name of a device",
    "D:\\VMs\\nul.txt": "name of a device",
    "D:\\VMs\\COM1 .x": "name of a device",
    "D:\\VMs\\com¹": "name of a device",
    "D:\\VMs\\CONIN$\\x": "name of a device",
    "D:\\VMs\\x.": "Windows leaves out",
    "D:\\VMs\\x ": "Windows leaves out",
    "D:\\VMs\\...\\x": "Windows leaves out",
    "D:\\VMs\\. .\\x": "Windows leaves out",
    "D:\\VMs\\ \\x": "Windows leaves out",
    "D:\\VMs\\a\x00b": "nobody sees",
    "D:\\VMs\\a\nb": "nobody sees",
    "D:\\VMs\\a\u202eb": "nobody sees",
    "D:\\VMs\\a\u200bb": "nobody sees",
    "D:\\VMs\uff3c..\uff3cx": "looks like \\",
    "D:\\VMs\\x\uff1astream": "looks like :",
    "D:\\VMs\\\u2025\\x": "looks like .",
    "VMs": "begin with a drive",
    "D:VMs": "begin with a drive",
    "\\VMs": "begin with a drive",
    "1:\\VMs": "begin with a drive",
    "file:///D:/VMs": "begin with a drive",
    "": "empty",
    " ": "empty",
    "D:\\" + "x" * 300: "longer than",
}


@pytest.mark.parametrize("path", HOSTILE)
def test_what_windows_reads_into_a_path_is_refused(path: str) -> None:
    """Each with the words that say why."""
    assert HOSTILE[path] in why_refused(path)


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("D:\\VMs", "D:\\VMs"),
        ("d:/VMs/", "d:\\VMs"),
        ("D:\\\\VMs\\\\x\\", "D:\\VMs\\x"),
        ("E:\\My VMs (2)\\web 01 & co; $x", "E:\\My VMs (2)\\web 01 & co; $x"),
        ("D:\\Mülleimer\\サーバー", "D:\\Mülleimer\\サーバー"),
        ("\\\\files\\vms$\\hv02", "\\\\files\\vms$\\hv02"),
        ("D:\\VMs\\nullarbor\\com10\\.hidden", "D:\\VMs\\nullarbor\\com10\\.hidden"),
    ],
)
def test_ordinary_folders_pass_in_their_plain_form(typed: str, plain: str) -> None:
    """What people really call their folders."""
    assert why_refused(typed) == ""
    assert normal(typed) == plain


@pytest.mark.parametrize(
    ("path", "is_in"),
    [
        ("D:\\VMs", True),
        ("d:\\vms\\X", True),
        ("D:\\VMs2", False),
        ("D:\\", False),
        ("E:\\VMs", False),
        ("D:\\VM\u017f", False),
        ("\\\\files\\vms\\x", True),
        ("\\\\files\\vms2", False),
        ("\\\\evil\\share", False),
    ],
)
def test_allowed_is_the_folder_and_what_lies_in_it(path: str, is_in: bool) -> None:
    """Whole names count, any case, and no letter that merely folds to another."""
    assert is_allowed(path, ("D:\\VMs", "\\\\FILES\\vms")) == is_in


PIECES = ["..", ".", "\\", "/", ":", "D:\\", "VMs", "\\\\", "evil", "NUL", "?", " ", "x", "$", "~1", "\u202e", "\uff0e"]


@given(st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PIECES), max_size=12).map("".join)))
def test_what_passes_stays_where_it_is_allowed(tail: str) -> None:
    r"""Whatever follows an allowed folder: what is not refused is, as Windows reads it, that folder or below it."""
    for path in (f"D:\\VMs\\{tail}", f"D:\\VMs{tail}", tail):
        if why_refused(path) or not is_allowed(path, ("D:\\VMs",)):
            continue
        plain = normal(path)
        assert normpath(plain) == plain
        assert plain.casefold() == "d:\\vms" or plain.casefold().startswith("d:\\vms\\")
        assert not set('<>"|?*/').intersection(plain)
        assert ":" not in plain[2:]
        assert normal(plain) == plain
