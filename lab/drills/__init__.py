"""Written drills: a fleet, troubles in their order, and what a good answer to them is."""
