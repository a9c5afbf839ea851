"""Remembers which logins hosts rejected, so that a bot that is started again and again locks no account.

One small file for all accounts. It holds no secret: an account is known in it by a salted scrypt digest of its name,
password and keytab, so that another password is another account, and is tried at once. Times in it are those of the
wall; what lies further ahead than any pause may last is a clock that was set back, and counts as that pause.
"""

import contextlib
import hashlib
import json
import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

_KEPT_S = 24 * 3600.0
"""How long after its pause a rejection of an account that nobody uses any more is kept."""


@dataclass(frozen=True, slots=True)
class RejectedLogin:
    """How often in a row a login was rejected, when it may be tried again in seconds from now, and the host's words."""

    times: int
    left_s: float
    text: str


class LoginMemory:
    """The file of rejected logins. Used from every thread that logs on. Without a path only the process remembers."""

    def __init__(self, path: Path | None = None, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()

    def of(self, account: "Account") -> Mapping[str, RejectedLogin]:
        """Return what is known of an account: by host, and of the account itself under the empty name."""
        with self._lock:
            file = self._read()
            known = file.accounts.get(account.digest(file.salt), {}) if file.accounts else {}
        now = self._clock()
        with contextlib.suppress(KeyError, TypeError, ValueError):
            return {
                name: RejectedLogin(int(one["times"]), float(one["until"]) - now, str(one["text"]))
                for name, one in known.items()
            }
        return {}

    def keep(self, account: "Account", rejected: Mapping[str, RejectedLogin]) -> None:
        """Write down what is known of an account now; nothing is what an accepted login leaves."""
        if (path := self._path) is None:
            return
        with self._lock:
            file, now = self._read(), self._clock()
            if not rejected and not file.accounts:
                return
            accounts = {who: known for who, known in file.accounts.items() if _is_recent(known, now)}
            accounts.pop(who := account.digest(file.salt), None)
            if rejected:
                accounts[who] = {name: _row(one, now) for name, one in rejected.items()}
            try:
                _write(path, _File(file.salt, accounts))
            except OSError as error:  # a full disk costs the memory, not the work
                log.warning("rejected logins are not written down, %s: %s", path, error.strerror)

    def _read(self) -> "_File":
        if self._path is not None:
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
                found = json.loads(self._path.read_text(encoding="utf-8"))
                return _File(str(found["salt"]), {who: dict(known) for who, known in found["accounts"].items()})
        return _File(secrets.token_hex(16), {})


class Account:
    """A user name with what it proves itself by, as a digest that gives neither away."""

    def __init__(self, username: str, password: str, keytab: Path | None = None) -> None:
        proof = [username.casefold(), password]
        if keytab is not None:
            with contextlib.suppress(OSError):
                proof.append(hashlib.sha256(keytab.read_bytes()).hexdigest())
        self._proof = json.dumps(proof).encode()
        self._digests: dict[str, str] = {}

    def digest(self, salt: str) -> str:
        """Return the digest; it takes 50 ms to make, so that nobody finds a password by trying many."""
        if salt not in self._digests:
            self._digests[salt] = hashlib.scrypt(self._proof, salt=salt.encode(), n=2**14, r=8, p=1, dklen=16).hex()
        return self._digests[salt]


@dataclass(frozen=True, slots=True)
class _File:
    salt: str
    accounts: dict[str, dict[str, Any]]


def _write(path: Path, file: _File) -> None:
    if not file.accounts:
        path.unlink(missing_ok=True)
        return
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600, exist_ok=False)
    new.write_text(json.dumps(asdict(file)), encoding="utf-8")
    new.replace(path)


def _row(one: RejectedLogin, now: float) -> dict[str, Any]:
    return {"times": one.times, "until": now + one.left_s, "text": one.text}


def _is_recent(known: Mapping[str, Any], now: float) -> bool:
    with contextlib.suppress(KeyError, TypeError, ValueError):
        return any(float(one["until"]) > now - _KEPT_S for one in known.values())
    return False
