"""Pure decisions over frozen data: no I/O, no clock, no await, no logging."""
