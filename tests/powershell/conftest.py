"""A real PowerShell for the lab's hosts, or one line that says there is none."""

import pytest

from lab.hyperv.pwsh.install import NoPowerShell, PowerShell, find, install


@pytest.fixture(scope="session")
def powershell() -> PowerShell:
    """Give the PowerShell, made ready once. One that is there and cannot be made ready is a failure."""
    try:
        folder = find()
    except NoPowerShell as error:
        pytest.skip(str(error))
    return install(folder)
