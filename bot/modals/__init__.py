"""The forms people fill in: what they show, and what a filled-in one means. Pure."""
