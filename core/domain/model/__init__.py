"""What everything is called: jobs, moves, events, hosts and VMs as frozen data. Decides nothing."""
