"""Slack's modal forms: what they show, and what a filled-in one means. Pure."""
