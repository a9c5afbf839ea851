"""Says in one line when this machine cannot run the tests with a real KDC."""

import pytest

from tests.kerberos.conftest import MISSING


@pytest.fixture(autouse=True)
def find_realms() -> None:
    """Nobody asks for a realm here."""


@pytest.mark.skipif(
    bool(MISSING), reason=f"no Kerberos here ({MISSING}); docs/guide/hosts-setup.md says what to install"
)
def test_the_kdc_and_the_libraries_are_here() -> None:
    """Debian's krb5-kdc and krb5-user, and the extra kerberos: the files beside this one are run."""
    assert not MISSING
