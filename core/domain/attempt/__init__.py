"""Judges one attempt: where the VM is, what failed, whether to retry, what to clean up."""
