"""Runs real MIT KDCs, one for each realm, in a folder of their own and on ports of their own; needs no root.

    with Realms(folder, "CONTOSO.LAB", "FABRIKAM.LAB") as realms:
        realms.add("svc@CONTOSO.LAB", "secret", "-maxlife 60s")
        realms.keytab(folder / "hv01.keytab", "host/hv01.contoso.lab@CONTOSO.LAB")
        realms.environment            # KRB5_CONFIG for everybody who is to find them

The programs come with Debian's krb5-kdc and krb5-user.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAMS: Final = ("krb5kdc", "kdb5_util", "kadmin.local", "kinit")
_PATHS: Final = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
_STARTS_WITHIN_S: Final = 20.0
_RUN_S: Final = 60.0
_TRUST: Final = "a password both realms know"


def has_faketime() -> bool:
    """Return whether a KDC can be given another time (Debian's faketime)."""
    return _faketime() is not None


def _faketime() -> Path | None:
    # Not through the program of that name: it starts another process, and ending it does not end that.
    return next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)


def missing() -> str:
    """Return the programs that are not installed; empty when all are."""
    return ", ".join(name for name in PROGRAMS if shutil.which(name, path=_PATHS) is None)


class Realms:
    """KDCs that trust each other; each can be stopped and started while the others go on."""

    def __init__(self, folder: Path, *names: str) -> None:
        self._folder = folder
        self._names = names
        self._ports: dict[str, int] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def environment(self) -> dict[str, str]:
        """What a client needs in its environment to find the KDCs."""
        return {"KRB5_CONFIG": str(self._folder / "krb5.conf")}

    @property
    def running(self) -> frozenset[str]:
        """The realms whose KDC answers."""
        return frozenset(self._running)

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        for name in self._names:
            self._ports[name] = _free_port()
        self._write_config()
        for name in self._names:
            self._run("kdb5_util", "-r", name, "create", "-s", "-P", "the master key of the lab")
        for name in self._names:
            for other in self._names:
                if other != name:
                    self.add(f"krbtgt/{other}@{name}", _TRUST)
                    self.add(f"krbtgt/{name}@{other}", _TRUST, realm=name)
        for name in self._names:
            self.start(name)
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self._running):
            self.stop(name)

    def start(self, name: str, clock: str = "") -> None:
        """Start the KDC of a realm, and wait until it answers; by a `clock` such as ``+10m`` where faketime is."""
        # ``-n`` keeps it in the foreground, so that it ends with us.
        program = shutil.which("krb5kdc", path=_PATHS) or "krb5kdc"
        environment = self._environment()
        if clock:
            environment |= {"LD_PRELOAD": str(_faketime()), "FAKETIME": clock}
        log = (self._folder / f"{name}.out").open("ab")
        with log:
            started = subprocess.Popen(  # noqa: S603
                [program, "-n", "-r", name], env=environment, stdout=log, stderr=log, cwd=self._folder
            )
        self._running[name] = started
        ends_at = time.monotonic() + _STARTS_WITHIN_S
        while not _listens(self._ports[name]):
            if started.poll() is not None or time.monotonic() > ends_at:
                raise RuntimeError(f"the KDC of {name} does not start: {(self._folder / f'{name}.out').read_text()}")
            time.sleep(0.01)

    def stop(self, name: str) -> None:
        """Stop the KDC of a realm: nobody gets a ticket there now."""
        running = self._running.pop(name)
        running.terminate()
        running.wait(_STARTS_WITHIN_S)

    def add(self, principal: str, password: str | None = None, flags: str = "", *, realm: str = "") -> None:
        """Add an account, or a service with a random key when there is no password."""
        key = f'-pw "{password}"' if password else "-randkey"
        self.administer(f"addprinc {flags} {key} {principal}", realm or principal.rpartition("@")[2])

    def administer(self, command: str, realm: str) -> str:
        """Run one command of kadmin.local, such as ``modprinc -allow_tix svc``."""
        return self._run("kadmin.local", "-r", realm, "-q", command)

    def keytab(self, file: Path, *principals: str, keep_key: bool = True) -> Path:
        """Write the keys of principals to a keytab; without ``keep_key`` they get new ones."""
        for principal in principals:
            same = "-norandkey" if keep_key else ""
            self.administer(f"ktadd -k {file} {same} {principal}", principal.rpartition("@")[2])
        return file

    def kinit(self, principal: str, password: str, cache: Path, options: Sequence[str] = ()) -> None:
        """Do what somebody who owns a ticket cache does."""
        self._run("kinit", "-c", str(cache), *options, principal, text=f"{password}\n")

    def _run(self, name: str, *arguments: str, text: str = "") -> str:
        program = shutil.which(name, path=_PATHS) or name
        done = subprocess.run(  # noqa: S603
            [program, *arguments],
            env=self._environment(),
            input=text,
            capture_output=True,
            text=True,
            timeout=_RUN_S,
            check=False,
            cwd=self._folder,
        )
        said = done.stdout + done.stderr
        # kadmin.local ends with 0 whatever became of the command, and says what went wrong with its own name before it.
        if done.returncode != 0 or any(
            line.startswith(f"{command}: ") for line in said.splitlines() for command in _VERBS
        ):
            raise RuntimeError(f"{name} {' '.join(arguments)}: {said}")
        return said

    def _environment(self) -> dict[str, str]:
        profile = {"KRB5_KDC_PROFILE": str(self._folder / "kdc.conf")}
        return {**os.environ, **self.environment, **profile, "LC_ALL": "C"}

    def _write_config(self) -> None:
        own = "".join(f" {name} = {{\n  kdc = 127.0.0.1:{self._ports[name]}\n }}\n" for name in self._names)
        domains = "".join(f" .{name.lower()} = {name}\n" for name in self._names)
        # Nothing is asked of DNS, and TCP first: a KDC that is away is refused at once.
        (self._folder / "krb5.conf").write_text(
            f"[libdefaults]\n default_realm = {self._names[0]}\n dns_lookup_kdc = false\n dns_lookup_realm = false\n"
            ' dns_canonicalize_hostname = false\n rdns = false\n qualify_shortname = ""\n udp_preference_limit = 1\n'
            f" forwardable = false\n[realms]\n{own} NOWHERE.LAB = {{\n  kdc = 127.0.0.1:1\n }}\n"
            f"[domain_realm]\n{domains}",
            encoding="utf-8",
        )
        kept = "".join(
            f" {name} = {{\n  database_name = {self._folder}/{name}.db\n"
            f"  key_stash_file = {self._folder}/{name}.stash\n"
            f"  acl_file = {self._folder}/acl\n  kdc_listen = 127.0.0.1:{self._ports[name]}\n"
            f"  kdc_tcp_listen = 127.0.0.1:{self._ports[name]}\n  max_life = 10h\n }}\n"
            for name in self._names
        )
        (self._folder / "kdc.conf").write_text(
            f'[kdcdefaults]\n kdc_listen = ""\n kdc_tcp_listen = ""\n[realms]\n{kept}'
            f"[logging]\n default = FILE:{self._folder}/kdc.log\n",
            encoding="utf-8",
        )


_VERBS: Final = ("add_principal: ", "modify_principal: ", "change_password: ", "delete_principal: ", "kadmin.local: ")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
