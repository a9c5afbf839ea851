"""Every error migrate-bot raises on purpose, in one tree.

::

    MigrateBotError
    ├── SettingsError            the settings file or a secret is wrong
    ├── BotSilent                the running bot does not answer on its own machine
    ├── IllegalTransition        a bug: the transition table does not allow it
    ├── RequestError             what a person asked cannot be done as asked
    │   ├── UnknownHost          no host of that name is in the settings
    │   ├── UnknownVm            no VM of that name on that host
    │   ├── AmbiguousVm          two VMs of one name
    │   ├── NothingToMove        the request selects no VM
    │   ├── UnknownJob           no job of that id
    │   └── NotAllowed           somebody may not do this
    ├── StoreError               the database
    │   ├── Outdated             somebody else changed the row first (compare-and-set failed)
    │   ├── StoreBusy            locked longer than we are willing to wait
    │   ├── StoreFull            no space left for the database
    │   ├── UnreadableRow        a row cannot be read, such as one that a newer version wrote
    │   ├── StoreOwned           another process works on this database
    │   │   └── StoreLeased      it has the lock of the server: whoever can wait stands by
    │   ├── StoreMissing         there is no database yet
    │   ├── StoreUnreachable     no connection to the server of the database, or it broke
    │   ├── StoreLost            this process worked on it, and has lost the right to
    │   ├── AttemptClosed        this attempt is over, or another process has taken it over
    │   └── StartWithdrawn       people no longer want this start
    ├── HostError                one host
    │   ├── HostUnreachable      no answer, refused, timed out, circuit open
    │   │   └── CannotLogOn      no login came about, and nobody judged the password: no ticket, no KDC, no service name
    │   ├── ContactLost          the connection broke while a command may still be running
    │   ├── OrderWithdrawn       the order was withdrawn before it was sent: nothing was done
    │   ├── NotInSettings        no host of that name is in the settings any more
    │   ├── WrongMachine         another machine answers in this host's name
    │   ├── LoginRejected        wrong account, password or authentication method
    │   │   └── LoginWithheld    not tried: the account was rejected a moment ago, and is not to be locked
    │   ├── EndpointRefused      the endpoint does not allow the command, or we sent a wrong one
    │   ├── MalformedReply       the host answered something we cannot read
    │   └── CommandFailed        the command ran and reported errors
    └── NotifierError            Slack, or whoever listens
        ├── NotifierBusy         rate limited: try again after ``retry_after_s``
        ├── NotifierDown         no answer, or a server-side failure: it may have been said
        ├── NotifierUnauthorized  it takes nothing from the bot for now: token, workspace, scopes
        └── NotifierRefused      it will never accept this message

Each says what happened (its text), whose problem it is (``owner``), whether trying again can help (``retry``) and what
a human may do (``hint``). Texts never hold a secret: they are built from names, ids and the host's own words only.
"""

from enum import StrEnum


class Owner(StrEnum):
    """Whose problem an error is."""

    OPERATOR = "operator"
    VM = "vm"
    HOST = "host"
    SLACK = "slack"
    BOT = "bot"


class Standing(StrEnum):
    """How a host stands of which something was wanted. The value is said behind its name; only SILENT means away."""

    UNABLE = "cannot do what it is asked"
    SILENT = "does not answer"
    NOT_LOGGED_ON = "cannot be logged on to"
    LOGIN_REJECTED = "rejects the bot's login"
    LOGIN_WITHHELD = "is not logged on to for now"
    UNKNOWN_HOST = "is not in the settings"
    OTHER_MACHINE = "is another machine than before"
    FORBIDS = "does not let the bot do this"
    FORBIDS_ENDPOINT = "does not let the bot use its endpoint"
    SESSIONS_USED_UP = "allows the bot no further session"
    NO_SESSION = "does not open a session just now"
    NO_SUCH_NAME = "is known to nobody by its address"
    HTTP_ERROR = "answers with an HTTP error"
    NO_OWN_CERTIFICATE = "cannot be asked without the bot's own certificate"
    NOT_TRUSTED = "has a certificate the bot does not trust"
    UNREADABLE = "answers what cannot be read"
    REPORTS_ERROR = "reports an error"


class MigrateBotError(Exception):
    """Something that migrate-bot foresaw went wrong."""

    owner: Owner = Owner.BOT
    retry: bool = False
    hint: str = ""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if hint is not None:
            self.hint = hint

    def sentence(self) -> str:
        """Say it to a person: what happened and what to do."""
        return f"{self.message} {self.hint}".strip()


class SettingsError(MigrateBotError):
    """A setting or a secret is missing or wrong."""

    owner = Owner.OPERATOR


class BotSilent(MigrateBotError):
    """The bot that runs on this machine does not answer an order given there."""

    owner = Owner.OPERATOR
    hint = (
        "It may still carry it out. To be sure that nothing starts: end that process, then give the order again. "
        "What moves now goes on in the hosts."
    )


class IllegalTransition(MigrateBotError):
    """The transition table does not allow this step: a bug of migrate-bot."""


class RequestError(MigrateBotError):
    """What a person asked cannot be done as asked."""

    owner = Owner.OPERATOR


class UnknownHost(RequestError):
    """No host of that name is in the settings."""


class UnknownVm(RequestError):
    """No VM of that name or id is on that host."""


class AmbiguousVm(RequestError):
    """A name stands for more than one VM."""


class NothingToMove(RequestError):
    """The request selects no VM that could move."""


class UnknownJob(RequestError):
    """No job of that id exists."""


class NotAllowed(RequestError):
    """This person may not do this, or not now."""


class TooManyProposals(RequestError):
    """This person has as many requests open as the settings let one have."""


class StoreError(MigrateBotError):
    """The database did not do what it was asked."""

    retry = True


class Outdated(StoreError):
    """Somebody else changed it first; read again and decide again."""


class StoreBusy(StoreError):
    """The database stayed locked."""


class StoreFull(StoreError):
    """There is no space left for the database."""

    owner = Owner.OPERATOR
    hint = "Free space on the bot's own disk."


class UnreadableRow(StoreError):
    """One row cannot be read; it concerns its own job and no other."""

    retry = False
    hint = "Was a newer version installed before? Install it again, or restore a copy of the database."


class StoreOwned(StoreError):
    """Another process works on this database."""

    owner = Owner.OPERATOR
    retry = False
    hint = "Stop that one first; to look only, use migrate-bot jobs."


class StoreMissing(StoreError):
    """There is no database yet, and whoever only looks makes none."""

    owner = Owner.OPERATOR
    retry = False
    hint = "migrate-bot run makes it."


class StoreUnreachable(StoreError):
    """There is no connection to the server of the database, or it broke."""

    owner = Owner.OPERATOR
    hint = "Does the server run, and does url in [store] name it?"


class StoreLeased(StoreOwned):
    """Another process has the lock of this database on its server: whoever can wait for its end stands by."""


class StoreLost(StoreError):
    """This process worked on the database and has lost the right to: another one may have taken over since."""

    retry = False


class AttemptClosed(StoreError):
    """This attempt is over, or another process has taken it over: whoever still follows it has to leave it alone."""

    retry = False


class StartWithdrawn(StoreError):
    """People no longer want this start: stopped, paused, frozen or cancelled since it was decided."""

    owner = Owner.OPERATOR
    retry = False


class HostError(MigrateBotError):
    """One host could not do what it was asked. ``host`` is its name in the settings."""

    owner = Owner.HOST
    standing: Standing = Standing.UNABLE

    def __init__(self, host: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.host = host


class HostUnreachable(HostError):
    """The host does not answer."""

    standing = Standing.SILENT
    retry = True
    hint = "Check that the host is up and WinRM answers."


class CannotLogOn(HostUnreachable):
    """No login came about, and nobody judged the secret: it is tried again, and cannot lock the account."""

    standing = Standing.NOT_LOGGED_ON
    owner = Owner.OPERATOR
    hint = "The bot tries again by itself."


class ContactLost(HostError):
    """The connection broke while a command may still be running."""

    standing = Standing.SILENT
    retry = True
    hint = "The command may still run on the host; the bot looks again."


class OrderWithdrawn(HostError):
    """The order was withdrawn before it was sent: nothing was done."""

    owner = Owner.OPERATOR


class NotInSettings(HostError):
    """No host of that name is in the settings."""

    owner = Owner.OPERATOR
    standing = Standing.UNKNOWN_HOST
    hint = "Was it renamed or taken out? Put it back under [hosts] and restart the bot."


class WrongMachine(HostError):
    """Another machine answers in this host's name."""

    owner = Owner.OPERATOR
    standing = Standing.OTHER_MACHINE


class LoginRejected(HostError):
    """The host rejected the bot's login."""

    standing = Standing.LOGIN_REJECTED
    owner = Owner.OPERATOR
    hint = "Check username, password and authentication method in [winrm]."


class LoginWithheld(LoginRejected):
    """The login was not tried: this account was rejected a moment ago, and is not to be locked."""

    standing = Standing.LOGIN_WITHHELD
    hint = (
        "Check username, password and authentication method in [winrm]; a bot started with another password tries at "
        "once, and migrate-bot check always does."
    )


class EndpointRefused(HostError):
    """The endpoint does not allow the command, or the bot sent a wrong one.

    ``fqid`` is PowerShell's FullyQualifiedErrorId, when it was PowerShell that refused.
    """

    standing = Standing.FORBIDS
    owner = Owner.OPERATOR
    hint = "Check the session configuration of the host (deploy/)."

    def __init__(self, host: str, message: str, *, fqid: str = "", hint: str | None = None) -> None:
        super().__init__(host, message, hint=hint)
        self.fqid = fqid


class MalformedReply(HostError):
    """The host answered something that cannot be read."""

    standing = Standing.UNREADABLE
    retry = True


class CommandFailed(HostError):
    """The command ran and reported errors. ``fqid`` is PowerShell's FullyQualifiedErrorId of the first."""

    standing = Standing.REPORTS_ERROR
    retry = True

    def __init__(self, host: str, message: str, *, fqid: str = "", hint: str | None = None) -> None:
        super().__init__(host, message, hint=hint)
        self.fqid = fqid


class NotifierError(MigrateBotError):
    """Slack did not take what the bot said."""

    owner = Owner.SLACK


class NotifierBusy(NotifierError):
    """Slack asks to wait ``retry_after_s`` seconds."""

    retry = True

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class NotifierDown(NotifierError):
    """Slack did not answer; it may have taken the message all the same.

    ``about_message``: Slack did answer, to this message, and it may be the message that it cannot take.
    """

    retry = True
    about_message: bool = False


class NotifierUnauthorized(NotifierError):
    """Slack takes nothing from the bot for now, whatever it says: everything waits, in order, as long as that lasts."""

    owner = Owner.OPERATOR
    retry = True


class NotifierRefused(NotifierError):
    """Slack will not take this message, however often it is sent."""
