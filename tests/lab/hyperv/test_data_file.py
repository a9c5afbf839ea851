"""How the lab reads PowerShell data files; every answer here is one that Import-PowerShellDataFile gave."""

import pytest

from lab.hyperv.powershell.data_file import DataFileError, ScriptText, read_data_file

READ = [
    ("@{ a = 1; b = 0x10; c = 1.5; d = -3 }", {"a": 1, "b": 16, "c": 1.5, "d": -3}),
    ("@{ a = 2kb; b = 1e3 }", {"a": 2048, "b": 1e3}),
    ("@{ a = 'it''s'; b = \"x`ty`\"z``\"; c = \"say \"\"hi\"\"\" }", {"a": "it's", "b": 'x\ty"z`', "c": 'say "hi"'}),
    ("@{ a = 'no `t escape, no $variable' }", {"a": "no `t escape, no $variable"}),
    ("@{ a = $true; b = $NULL; c = $false }", {"a": True, "b": None, "c": False}),
    ("@{ a = @(1,2; 3)\n b = @()\n c = @(1)\n d = ,1 }", {"a": [1, 2, 3], "b": [], "c": [1], "d": [1]}),
    ("@{ a = @(1\n2\n\n3) }", {"a": [1, 2, 3]}),
    ("@{ a = 1, 2,\n3 }", {"a": [1, 2, 3]}),
    ("@{ a = 'x' `\n , 'y' }", {"a": ["x", "y"]}),
    ("@{ a = 1, @(2,3), @{b=1} }", {"a": [1, [2, 3], {"b": 1}]}),
    ("@{ a = @( @(1,2) ); b = @( @(1,2), 3 ) }", {"a": [1, 2], "b": [[1, 2], 3]}),
    ("@{ a = (1); b = (1,2) }", {"a": 1, "b": [1, 2]}),
    ("@{ a = <# c\n } #> 1 # }\n 'b c' = 2; d-e = 3 }", {"a": 1, "b c": 2, "d-e": 3}),
    ("# first\n@{\n\n a =\n 1 }\n# last", {"a": 1}),
    ("@{ a = @'\nline's\n'@\nb = @\"\nl \"x\"\n\"@ }", {"a": "line's", "b": 'l "x"'}),
    ("@{ a = \u2018x\u2019; b = \u201cy\u201d }", {"a": "x", "b": "y"}),
    ("@{ a = @{ b = @{ c = 1 } ; } }", {"a": {"b": {"c": 1}}}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), READ)
def test_a_data_file_is_read_as_powershell_reads_it(text: str, value: object) -> None:
    """Tables, lists, texts of both kinds, numbers with units, constants, comments, lines."""
    assert read_data_file(text) == value


def test_a_script_block_is_its_text() -> None:
    """Braces in its texts and comments do not end it, and nothing of it is run."""
    table = read_data_file("@{ Name = 'f'; ScriptBlock = { if ($x) { \"}`\"}\" + '}' } # }\n <# } #> } }")
    assert table.find("scriptblock") == ScriptText(' if ($x) { "}`"}" + \'}\' } # }\n <# } #> ')
    assert table.find("nothing") is None


REFUSED = [
    ("", "one hashtable"),
    ("1", "one hashtable"),
    ("@{a=1} @{b=1}", "something follows"),
    ("@{", "line 1, column 1: this hashtable is not closed"),
    ("@{ a = @(1, 2\n }", "this list is not closed|no value"),
    ("@{ a = 'x }", "line 1, column 8: this text is not closed"),
    ("@{\n a = { x }", "this hashtable is not closed"),
    ("@{ a = { x }", "this hashtable is not closed"),
    ("@{ a = { x", "this script block is not closed"),
    ("@{ a = 1 b = 2 }", "a new line or a ;"),
    ("@{ a = @(1 2) }", "need a comma"),
    ("@{ a = 1\n A = 2 }", "line 2, column 2: the key A is there twice"),
    ("@{ a }", "= is missing"),
    ("@{ a.b = 1 }", "= is missing"),
    ("@{ a = 1, }", "no value"),
    ("@{ a = }", "no value"),
    ("@{ a = word }", "'word' is no value"),
    ("@{ a = Get-Date }", "'Get-Date' is no value"),
    ("@{ a = 1 + 2 }", "a new line or a ;"),
    ("@{ a = $x }", "no variables"),
    ('@{ a = "$HOME" }', "expands nothing"),
    ("@{ $a = 1 }", "a key is"),
]


@pytest.mark.parametrize(("text", "said"), REFUSED)
def test_what_powershell_does_not_read_is_refused(text: str, said: str) -> None:
    """With the place and what is wrong there."""
    with pytest.raises(DataFileError, match=said):
        read_data_file(text)
