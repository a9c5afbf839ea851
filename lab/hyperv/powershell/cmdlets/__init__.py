"""The cmdlets a simulated Hyper-V host knows, one file for each kind of thing they speak of."""
