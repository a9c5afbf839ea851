"""A real PowerShell for the lab's hosts, or one line that says there is none."""

import pytest

from lab.hyperv.pwsh.install import NoPowerShell, PowerShell, install


@pytest.fixture(scope="session")
def powershell() -> PowerShell:
    """Give the PowerShell, made ready once."""
    try:
        return install()
    except NoPowerShell as error:
        pytest.skip(str(error))
