"""Turns a request into a plan: which VMs, where to, what stands in the way, how long it takes."""
