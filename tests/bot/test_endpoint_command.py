"""``migrate-bot endpoint``: what it writes, what it says, and what it leaves alone."""

from pathlib import Path

import pytest

from bot.cli import main
from core.config import load_settings
from core.hyperv import endpoint_texts, install_commands

SETTINGS = """
[winrm]
username = 'CONTOSO\\svc-migrate'
service_account = 'CONTOSO\\migratebot'

[hosts.HV01]
address = "hv01.contoso.com"
allowed_paths = ['D:\\VMs']
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "migrate-bot.toml"
    file.write_text(SETTINGS, encoding="utf-8")
    return file


def test_it_writes_every_file_and_says_how_to_install_them(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a form that Windows PowerShell reads; the page of the folder has the same commands as the shell."""
    folder = tmp_path / "endpoint"
    assert main(["endpoint", str(folder), "--config", str(config)]) == 0
    told = capsys.readouterr().out.splitlines()
    texts = endpoint_texts(load_settings(config))
    assert told == [
        *(f"{folder / name} is written." for name in texts), "", "On every host, there:", *install_commands(),
    ]  # fmt: skip
    for name, text in texts.items():
        assert (folder / name).read_bytes() == b"\xef\xbb\xbf" + text.encode()
    assert "\n".join(install_commands()) in texts["README.md"]


def test_changed_settings_are_written_over_the_older_ones(config: Path, tmp_path: Path) -> None:
    """The second run leaves nothing of the first."""
    folder = tmp_path / "endpoint"
    assert main(["endpoint", str(folder), "--config", str(config)]) == 0
    config.write_text(SETTINGS.replace("D:\\VMs", "E:\\Machines"), encoding="utf-8")
    assert main(["endpoint", str(folder), "--config", str(config)]) == 0
    role = (folder / "MigrateBot/RoleCapabilities/MigrateBot.psrc").read_text("utf-8-sig")
    assert "E:\\\\Machines" in role
    assert "D:\\\\VMs" not in role


def test_files_of_others_stay(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One that it did not write keeps all of them from being written; exit 2, one sentence."""
    (tmp_path / "README.md").write_text("mine", encoding="utf-8")
    assert main(["endpoint", str(tmp_path), "--config", str(config)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert (tmp_path / "README.md").read_text("utf-8") == "mine"
    assert not (tmp_path / "MigrateBot.pssc").exists()
