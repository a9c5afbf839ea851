"""Simulated Hyper-V hosts behind real WinRM and PSRP."""
