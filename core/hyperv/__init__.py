"""The gateway to real Hyper-V hosts: pypsrp."""
