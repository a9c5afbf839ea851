"""The gateway to real Hyper-V hosts: pypsrp in bounded threads."""

from core.hyperv.endpoint_files import endpoint_texts, install_commands
from core.hyperv.gateway import PypsrpGateway
from core.hyperv.login_memory import LoginMemory
from core.hyperv.session_record import SessionRecord

__all__ = ["LoginMemory", "PypsrpGateway", "SessionRecord", "endpoint_texts", "install_commands"]
