"""A real PowerShell still answers as it was recorded; where only the stand-ins behind it changed, that has a reason."""

import pytest

from lab.hyperv.pwsh.install import PowerShell
from tests.recordings.cases import SESSIONS, play, recorded
from tests.recordings.forms import differences
from tests.recordings.known import REASONS


@pytest.mark.parametrize("session", SESSIONS)
async def test_a_recording_can_be_made_again(session: str, powershell: PowerShell) -> None:
    """The same cases, in this PowerShell: nothing differs that is PowerShell's own."""
    cases = recorded()[session]
    played = await play(session, [*cases.values()], powershell)
    found = {name: differences(case.messages, played[name].messages) for name, case in cases.items()}
    assert {name: lines for name, lines in found.items() if lines and (session, name) not in REASONS} == {}
