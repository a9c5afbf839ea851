"""Slack: parse, authorise, ask, show. Knows Slack; knows no host and no SQL."""
