"""Two real KDCs that trust each other; without Debian's krb5-kdc one line says what is missing."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.engine.hosts import poller
from core.hyperv import gateway, kerberos
from core.hyperv.circuit_breaker import CircuitBreaker
from lab import kdc
from tests.kerberos.realms import World, build

MISSING = kdc.missing() or kerberos.missing
collect_ignore = [
    file.name for file in Path(__file__).parent.glob("test_*.py") if MISSING and file.name != "test_here.py"
]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Both realms with their hosts, for as long as this process tests."""
    before = os.environ.get("KRB5_CONFIG")
    with build(tmp_path_factory.mktemp("kdc")) as built:
        yield built
    assert os.environ.get("KRB5_CONFIG") == before


@pytest.fixture(autouse=True)
def find_realms(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let Kerberos find the KDCs and nothing of this machine's own, and the hosts be found by their names."""
    monkeypatch.setenv("KRB5_CONFIG", world.realms.environment["KRB5_CONFIG"])
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path / 'nobody'}")
    monkeypatch.setenv("KRB5RCACHENAME", f"file2:{tmp_path / 'replays'}")
    monkeypatch.delenv("KRB5_CLIENT_KTNAME", raising=False)
    ask = socket.getaddrinfo

    def resolve(host: Any, *arguments: Any, **options: Any) -> Any:
        is_ours = isinstance(host, str) and host.endswith((".contoso.com", ".fabrikam.com"))
        return ask("127.0.0.1" if is_ours else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.fixture(autouse=True)
def short_breaths(monkeypatch: pytest.MonkeyPatch) -> None:
    """A silent host is asked again every second."""
    monkeypatch.setattr(poller, "LONGEST_SILENCE_S", 1.0)
    monkeypatch.setattr(gateway, "CircuitBreaker", lambda host: CircuitBreaker(host, pause_s=0.5))
