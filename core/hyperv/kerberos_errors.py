"""Decides what an answer of Kerberos means: what people read, and whether it judged the secret.

Codes and names are those of MIT's krb5.h; the KDC's own are the numbers of RFC 4120 counted from ``_BASE``. Only a code
marked as a verdict, and only from the KDC's answer to a login, counts as a rejected login: everything else is tried
again and cannot lock an account.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from errno import EACCES, ENOENT

_BASE = -1765328384
"""MIT's error table of krb5; ``_BASE + n`` is error n of RFC 4120, 7.5.9."""

NAME_EXP = _BASE + 1
C_PRINCIPAL_UNKNOWN = _BASE + 6
S_PRINCIPAL_UNKNOWN = _BASE + 7
POLICY = _BASE + 12
ETYPE_NOSUPP = _BASE + 14
CLIENT_REVOKED = _BASE + 18
SERVICE_REVOKED = _BASE + 19
KEY_EXP = _BASE + 23
PREAUTH_FAILED = _BASE + 24
SVC_UNAVAILABLE = _BASE + 29
BAD_INTEGRITY = _BASE + 31
TKT_EXPIRED = _BASE + 32
TKT_NYV = _BASE + 33
SKEW = _BASE + 37
MODIFIED = _BASE + 41
BADKEYVER = _BASE + 44
NOKEY = _BASE + 45
NOT_US = _BASE + 35
MUST_USE_USER2USER = _BASE + 27
WRONG_REALM = _BASE + 68
GENERIC = _BASE + 60
PARSE_MALFORMED = -1765328250
CONFIG_CANTOPEN = -1765328249
CONFIG_BADFORMAT = -1765328248
CC_NOTFOUND = -1765328243
KDCREP_SKEW = -1765328236
PROG_ETYPE_NOSUPP = -1765328234
REALM_UNKNOWN = -1765328230
KDC_UNREACH = -1765328228
KT_NOTFOUND = -1765328203
KT_IOERR = -1765328200
BAD_ENCTYPE = -1765328196
CC_IO = -1765328191
FCC_PERM = -1765328190
FCC_NOFILE = -1765328189
CC_FORMAT = -1765328185
PREAUTH_GENERIC = -1765328174
ERR_BAD_HOSTNAME = -1765328168
ERR_HOST_REALM_UNKNOWN = -1765328167
REALM_CANT_RESOLVE = -1765328164
CONFIG_NODEFREALM = -1765328160
KT_KVNONOTFOUND = -1765328154
KT_FORMAT = -1765328149
KEYTAB_BADVNO = -1765328171
CONFIG_ETYPE_NOSUPP = -1765328147
_MINOR = re.compile(r"Minor \(\d+\): (.+?)(?:, Context: .*)?$")
_UNSIGNED = 1 << 32
_SIGN = 1 << 31


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one code says. The text may name ``{user}``, ``{realm}``, ``{spn}``, ``{source}`` and ``{skew}``."""

    text: str
    hint: str
    judges_secret: bool = False
    """Whether the KDC, asked for a login, looked at the secret and found it wrong."""


_PASSWORD = "{source} of {user} is wrong"  # noqa: S105 - words about one
_NEW_SECRET = "Set the right password, or make a new keytab: each new password makes the old keytab worthless."  # noqa: S105
_WITHOUT = "no KDC of the realm {realm} answers"
_FIND_KDC = "Check krb5.conf, DNS (_kerberos._tcp), and TCP and UDP port 88 from the bot to a domain controller."
_NO_REALM = "nothing says where the KDCs of the realm {realm} are"
_ETYPE = "the bot and the domain {realm} have no encryption type in common for {user} and {spn}"
_ETYPE_HINT = "Allow AES for the account and the host (msDS-SupportedEncryptionTypes), and renew a keytab without it."
_CACHE = "there is no ticket in {source}"
_CACHE_HINT = "Run kinit as the user the bot runs as, or set KRB5CCNAME for the bot, or give it a keytab_file."
_KEYTAB = "{source} has no key for {user}"
_KEYTAB_HINT = "Compare klist -k of the keytab with username in [winrm]: name, realm and case."
_HOST_KEY = "the key of {spn} in the domain is not the one the host has"
_HOST_KEY_HINT = (
    "The name may belong to another computer account (setspn -Q), or the host's account was reset: "
    "purge tickets, wait for replication, or rejoin the host."
)
_CLOCK = "the clocks of the bot and {spn} are too far apart{skew}"
_CLOCK_HINT = "Kerberos allows five minutes: synchronise both with the domain."

MEANINGS: dict[int, Meaning] = {
    PREAUTH_FAILED: Meaning(_PASSWORD, _NEW_SECRET, judges_secret=True),
    BAD_INTEGRITY: Meaning(_PASSWORD, _NEW_SECRET, judges_secret=True),
    KEY_EXP: Meaning("the password of {user} has expired", "Set a new password for the account."),
    NAME_EXP: Meaning("the account {user} has expired", "Extend the account in the domain."),
    CLIENT_REVOKED: Meaning(
        "the account {user} is locked or disabled",
        "Unlock or enable the account in the domain; the bot goes on by itself then.",
    ),
    C_PRINCIPAL_UNKNOWN: Meaning(
        "the domain {realm} knows no account {user}", "Check username in [winrm]; write it as name@REALM."
    ),
    S_PRINCIPAL_UNKNOWN: Meaning(
        "the domain {realm} knows no service {spn}",
        "Use the host's own name in its address, or set kerberos_name, or register the name: setspn -S.",
    ),
    MUST_USE_USER2USER: Meaning(
        "{spn} belongs to an account that is no service",
        "Register the name for the host's computer account: setspn -Q.",
    ),
    SERVICE_REVOKED: Meaning("the computer account of {spn} is disabled", "Enable it in the domain."),
    POLICY: Meaning(
        "the domain {realm} does not allow {user} to log on now", "Check logon hours, policy and account restrictions."
    ),
    ETYPE_NOSUPP: Meaning(_ETYPE, _ETYPE_HINT),
    PROG_ETYPE_NOSUPP: Meaning(_ETYPE, _ETYPE_HINT),
    BAD_ENCTYPE: Meaning(_ETYPE, _ETYPE_HINT),
    CONFIG_ETYPE_NOSUPP: Meaning(_ETYPE, _ETYPE_HINT),
    PREAUTH_GENERIC: Meaning(
        "{user} and the domain {realm} found no way of pre-authentication both can use",
        "Check the account's encryption types, and whether it demands a smart card.",
    ),
    SVC_UNAVAILABLE: Meaning("a KDC of {realm} cannot answer now", "The bot tries again by itself."),
    KDC_UNREACH: Meaning(_WITHOUT, _FIND_KDC),
    REALM_CANT_RESOLVE: Meaning(_WITHOUT, _FIND_KDC),
    REALM_UNKNOWN: Meaning(_NO_REALM, _FIND_KDC),
    WRONG_REALM: Meaning(
        "{realm} is not the domain of {user}", "Write username as name@REALM with the account's own realm."
    ),
    ERR_HOST_REALM_UNKNOWN: Meaning("nothing says to which realm {spn} belongs", "Add it to [domain_realm]."),
    CONFIG_NODEFREALM: Meaning(
        "krb5.conf names no realm, and neither does {user}", "Set default_realm in krb5.conf, or write name@REALM."
    ),
    CONFIG_CANTOPEN: Meaning("krb5.conf cannot be read", "Check KRB5_CONFIG and the file's permissions."),
    CONFIG_BADFORMAT: Meaning("krb5.conf cannot be understood", "Correct it; kinit says the same."),
    PARSE_MALFORMED: Meaning("{user} is no name Kerberos can read", "Write username as name@REALM."),
    ERR_BAD_HOSTNAME: Meaning("{spn} is no name Kerberos can use", "Use the host's own name in its address."),
    GENERIC: Meaning(
        "the host does not take the ticket of {user} for {spn}",
        "The host's own log says why; over TLS it also does so when somebody in between ends the connection.",
    ),
    SKEW: Meaning(_CLOCK, _CLOCK_HINT),
    KDCREP_SKEW: Meaning("the clocks of the bot and the domain {realm} are too far apart{skew}", _CLOCK_HINT),
    TKT_NYV: Meaning(_CLOCK, _CLOCK_HINT),
    TKT_EXPIRED: Meaning(
        "the ticket of {user} in {source} has ended",
        "Renew it with kinit, or let the bot do it: give it a keytab_file.",
    ),
    MODIFIED: Meaning(_HOST_KEY, _HOST_KEY_HINT),
    BADKEYVER: Meaning(_HOST_KEY, _HOST_KEY_HINT),
    NOKEY: Meaning(_HOST_KEY, _HOST_KEY_HINT),
    NOT_US: Meaning(_HOST_KEY, _HOST_KEY_HINT),
    KT_KVNONOTFOUND: Meaning(_HOST_KEY, _HOST_KEY_HINT),
    FCC_NOFILE: Meaning(_CACHE, _CACHE_HINT),
    CC_NOTFOUND: Meaning(_CACHE, _CACHE_HINT),
    FCC_PERM: Meaning("the bot may not read {source}", "Make it readable for the user the bot runs as."),
    CC_IO: Meaning("{source} cannot be read", _CACHE_HINT),
    CC_FORMAT: Meaning("{source} is no ticket cache", _CACHE_HINT),
    KT_NOTFOUND: Meaning(_KEYTAB, _KEYTAB_HINT),
    ENOENT: Meaning("{source} cannot be read", "There is no such file: check keytab_file."),
    EACCES: Meaning("{source} cannot be read", "Make it readable for the user the bot runs as, and for nobody else."),
    KT_IOERR: Meaning("{source} cannot be read", "Check keytab_file and its permissions."),
    KEYTAB_BADVNO: Meaning("{source} is no keytab", "Make it anew, in binary, with ktpass or ktutil."),
    KT_FORMAT: Meaning("{source} is no keytab", "Make it anew, in binary, with ktpass or ktutil."),
}
"""MIT's codes in our words."""


def code_of(error: BaseException) -> int | None:
    """Return MIT's code of an exception of krb5, gssapi or spnego, or of the nearest behind it."""
    for found in chain(error):
        for name in ("err_code", "min_code"):
            code = getattr(found, name, None)
            if isinstance(code, int) and code:
                return code - _UNSIGNED if code >= _SIGN else code
    return None


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Walk from an exception to what lies behind it: causes, and those wrapped as arguments, reasons or bases."""
    seen: list[BaseException] = []
    todo: list[object] = [error]
    while todo:
        found = todo.pop(0)
        if not isinstance(found, BaseException) or any(found is known for known in seen):
            continue
        seen.append(found)
        yield found
        todo += [getattr(found, "base_error", None), getattr(found, "reason", None)]
        todo += [found.__cause__, found.__context__, *found.args]


class TicketError(Exception):
    """There is no ticket, or the host did not take it. ``code`` is MIT's; None when there is none."""

    def __init__(self, text: str, hint: str = "", *, code: int | None = None, judges_secret: bool = False) -> None:
        super().__init__(text)
        self.text = text
        self.hint = hint
        self.code = code
        self.judges_secret = judges_secret


def explain(
    error: BaseException, *, user: str, realm: str, spn: str = "the host", source: str = "", skew: str = ""
) -> TicketError:
    """Say what a failure of the Kerberos libraries means; one we know no words for speaks for itself."""
    code = code_of(error)
    meaning = MEANINGS.get(code or 0)
    if meaning is None:
        said = " ".join(str(error).split()) or type(error).__name__
        minor = _MINOR.search(said)
        return TicketError(f"Kerberos says: {minor[1] if minor else said}", code=code)
    names = {
        "user": user or "the bot",
        "realm": realm or "of the host",
        "spn": spn,
        "source": source or "the ticket cache",
        "skew": f" ({skew})" if skew else "",
    }
    return TicketError(meaning.text.format_map(names), meaning.hint, code=code, judges_secret=meaning.judges_secret)
