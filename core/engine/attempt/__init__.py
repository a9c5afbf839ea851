"""Carries out one attempt: check again, call Move-VM, monitor, verify, clean up."""
