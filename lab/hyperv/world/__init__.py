"""The simulated hosts, VMs, folders and migrations. Knows no wire."""
