"""WS-Management envelopes: reads requests, writes replies and faults; no sockets, no state.

Sources: MS-WSMV (shell messages), DMTF DSP0226 (addressing, faults), winerror.h (fault numbers).
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from collections.abc import Mapping

SOAP: Final = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING: Final = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
ENUMERATION: Final = "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
TRANSFER: Final = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
WSMAN: Final = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
WSMV: Final = "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd"
SHELL: Final = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
POWERSHELL: Final = "http://schemas.microsoft.com/powershell"
CONFIG: Final = "http://schemas.microsoft.com/wbem/wsman/1/config"
WSMAN_FAULT: Final = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"

GET: Final = f"{TRANSFER}/Get"
CREATE: Final = f"{TRANSFER}/Create"
DELETE: Final = f"{TRANSFER}/Delete"
ENUMERATE: Final = f"{ENUMERATION}/Enumerate"
COMMAND: Final = f"{SHELL}/Command"
SEND: Final = f"{SHELL}/Send"
RECEIVE: Final = f"{SHELL}/Receive"
SIGNAL: Final = f"{SHELL}/Signal"
DISCONNECT: Final = f"{SHELL}/Disconnect"
RECONNECT: Final = f"{SHELL}/Reconnect"
CONNECT: Final = f"{SHELL}/Connect"

COMMAND_RUNNING: Final = f"{SHELL}/CommandState/Running"
COMMAND_DONE: Final = f"{SHELL}/CommandState/Done"
SIGNAL_TERMINATE: Final = f"{SHELL}/signal/Terminate"
SIGNAL_CTRL_C: Final = frozenset({"powershell/signal/ctrl_c", f"{SHELL}/signal/ctrl_c", f"{SHELL}/signal/ctrl_break"})

CONTENT_TYPE: Final = "application/soap+xml;charset=UTF-8"
DEFAULT_OPERATION_TIMEOUT_S: Final = 60.0
DEFAULT_ENVELOPE_BYTES: Final = 153600
ENVELOPE_OVERHEAD_BYTES: Final = 4096
"""Room kept for the header and the tags around the payload of a reply."""

_DURATION = re.compile(r"^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$")


class MalformedEnvelope(Exception):
    """The request is not a WS-Management envelope."""


class WSManFault(Exception):
    """The operation failed; the text and the number go to the client in an HTTP 500."""

    def __init__(self, code: int, text: str, *, subcode: str = "w:InternalError", is_senders: bool = True) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.subcode = subcode
        self.is_senders = is_senders


def timed_out() -> WSManFault:
    """Return the fault of a Receive that had nothing to say within OperationTimeout; clients just ask again."""
    text = "The WS-Management service cannot complete the operation within the time specified in OperationTimeout.  "
    return WSManFault(2150858793, text, subcode="w:TimedOut", is_senders=False)


def shell_not_found(shell_id: str) -> WSManFault:
    text = (
        f"The request for the Windows Remote Shell with ShellId {shell_id} failed because the shell was not found on "
        "the server. Possible causes are: the specified ShellId is incorrect or the shell no longer exists on the "
        "server. Provide the correct ShellId or create a new shell and retry the operation. "
    )
    return WSManFault(2150858843, text, subcode="w:InvalidSelectors")


def too_many_shells(limit: int) -> WSManFault:
    text = (
        "The WS-Management service cannot process the request. This user is allowed a maximum number of "
        f"{limit} concurrent shells, which has been exceeded. Close existing shells or raise the quota for this user. "
    )
    return WSManFault(2150859173, text, subcode="w:QuotaLimit")


def too_many_operations(limit: int) -> WSManFault:
    text = (
        "The WS-Management service cannot process the request. This user is allowed a maximum number of "
        f"{limit} concurrent operations, which has been exceeded. Close existing operations for this user, or raise "
        "the quota for this user. "
    )
    return WSManFault(2150859174, text, subcode="w:QuotaLimit")


def unknown_resource(uri: str) -> WSManFault:
    text = (
        f"The WS-Management service cannot process the request. The resource URI ({uri}) was not found in the "
        "WS-Management catalog. The catalog contains the metadata that describes resources, or logical endpoints. "
    )
    return WSManFault(2150858752, text, subcode="a:DestinationUnreachable")


def unknown_configuration(name: str, computer: str) -> WSManFault:
    """Return the fault for an endpoint that is not registered; its number is unconfirmed."""
    text = (
        f"The WS-Management service cannot process the request. Cannot find the {name} session configuration in the "
        f"WSMan: drive on the {computer} computer. "
    )
    return WSManFault(2150858752, text, subcode="a:DestinationUnreachable")


def access_denied() -> WSManFault:
    return WSManFault(5, "Access is denied. ", subcode="w:AccessDenied")


def aborted() -> WSManFault:
    """Return the fault of a Receive whose command or shell went away, or that a newer Receive replaced."""
    text = "The I/O operation has been aborted because of either a thread exit or an application request. "
    return WSManFault(995, text, subcode="w:InternalError", is_senders=False)


def host_process_lost(detail: str) -> WSManFault:
    """Return the fault of a session whose wsmprovhost.exe died; its number is unconfirmed."""
    text = (
        "The WSMan provider host process did not return a proper response. A provider in the host process may have "
        "behaved improperly. "
    )
    return WSManFault(1726, f"{text}{detail}", subcode="w:InternalError", is_senders=False)


def invalid_parameter() -> WSManFault:
    return WSManFault(87, "The parameter is incorrect. ", subcode="w:InvalidParameter")


def unsupported_action(action: str) -> WSManFault:
    """Return the fault for an action that exists nowhere; its number is unconfirmed."""
    text = f"The WS-Management service cannot process the request because the action {action} is not supported. "
    return WSManFault(2150858753, text, subcode="a:ActionNotSupported")


def wrong_shell_state(state: str) -> WSManFault:
    """Return the fault of an operation that does not fit the shell's state; its number is unconfirmed."""
    text = f"The WS-Management service cannot process the request because the shell is in the state {state}. "
    return WSManFault(2150859118, text, subcode="w:InvalidParameter")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as the service sees it; header fields that decide nothing are dropped."""

    action: str
    resource_uri: str
    message_id: str
    operation_timeout_s: float = DEFAULT_OPERATION_TIMEOUT_S
    max_envelope_bytes: int = DEFAULT_ENVELOPE_BYTES
    selectors: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    body: ET.Element | None = None

    @property
    def shell_id(self) -> str:
        """Return the ShellId selector in its canonical, upper-case form; empty when there is none."""
        return self.selectors.get("ShellId", "").upper()

    @property
    def payload_limit_bytes(self) -> int:
        """Return how many bytes fit into the reply once they are base64."""
        return max((self.max_envelope_bytes - ENVELOPE_OVERHEAD_BYTES) // 4 * 3, 1024)


def parse_request(data: bytes) -> Request:
    """Read one envelope; raise MalformedEnvelope when it is none."""
    try:
        root = ET.fromstring(data)  # noqa: S314  # the lab listens on localhost only
    except ET.ParseError as error:
        raise MalformedEnvelope(str(error)) from error
    header, body = root.find(f"{{{SOAP}}}Header"), root.find(f"{{{SOAP}}}Body")
    if root.tag != f"{{{SOAP}}}Envelope" or header is None or body is None:
        raise MalformedEnvelope("no SOAP 1.2 envelope with a header and a body")
    action, message_id = text_of(header, ADDRESSING, "Action"), text_of(header, ADDRESSING, "MessageID")
    if not action or not message_id:
        raise MalformedEnvelope("Action and MessageID are mandatory")
    timeout = text_of(header, WSMAN, "OperationTimeout")
    size = text_of(header, WSMAN, "MaxEnvelopeSize")
    return Request(
        action=action,
        resource_uri=text_of(header, WSMAN, "ResourceURI"),
        message_id=message_id,
        operation_timeout_s=parse_duration(timeout) if timeout else DEFAULT_OPERATION_TIMEOUT_S,
        max_envelope_bytes=int(size) if size.isdigit() else DEFAULT_ENVELOPE_BYTES,
        selectors=_named_values(header, "SelectorSet", "Selector"),
        options=_named_values(header, "OptionSet", "Option"),
        body=body[0] if len(body) else None,
    )


def parse_duration(text: str) -> float:
    """Return the seconds of an XML duration of days, hours, minutes and seconds; raise MalformedEnvelope otherwise."""
    match = _DURATION.match(text.strip())
    if match is None:
        raise MalformedEnvelope(f"not a duration: {text}")
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return days * 86400 + hours * 3600 + minutes * 60 + seconds


def text_of(element: ET.Element, namespace: str, name: str) -> str:
    """Return the stripped text of a child, empty when it is missing."""
    return (element.findtext(f"{{{namespace}}}{name}") or "").strip()


def _named_values(header: ET.Element, set_name: str, item_name: str) -> dict[str, str]:
    found = header.find(f"{{{WSMAN}}}{set_name}")
    if found is None:
        return {}
    return {item.get("Name", ""): (item.text or "") for item in found.findall(f"{{{WSMAN}}}{item_name}")}


def reply(action: str, relates_to: str, body: str) -> bytes:
    """Return the envelope around a reply's body; `action` is the full URI of the reply."""
    return (
        f'<s:Envelope xml:lang="en-US" xmlns:s="{SOAP}" xmlns:a="{ADDRESSING}" xmlns:x="{TRANSFER}" '
        f'xmlns:n="{ENUMERATION}" xmlns:w="{WSMAN}" xmlns:rsp="{SHELL}" xmlns:p="{WSMV}"><s:Header>'
        f"<a:Action>{action}</a:Action><a:MessageID>uuid:{str(uuid.uuid4()).upper()}</a:MessageID>"
        f"<a:To>{ADDRESSING}/role/anonymous</a:To><a:RelatesTo>{escape(relates_to)}</a:RelatesTo>"
        f"</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def fault_reply(fault: WSManFault, relates_to: str, machine: str) -> bytes:
    text, side = escape(fault.text), "s:Sender" if fault.is_senders else "s:Receiver"
    return reply(
        "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault",
        relates_to,
        f"<s:Fault><s:Code><s:Value>{side}</s:Value><s:Subcode><s:Value>{fault.subcode}</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="en-US">{text}</s:Text></s:Reason><s:Detail><f:WSManFault xmlns:f="{WSMAN_FAULT}" '
        f'Code="{fault.code}" Machine={quoteattr(machine)}><f:Message>{text}</f:Message></f:WSManFault></s:Detail>'
        "</s:Fault>",
    )
