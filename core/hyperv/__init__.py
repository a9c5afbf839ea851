"""The gateway to real Hyper-V hosts: pypsrp in bounded threads."""

from core.hyperv.gateway import PypsrpGateway

__all__ = ["PypsrpGateway"]
