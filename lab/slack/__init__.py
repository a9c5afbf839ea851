"""A strict Slack workspace on localhost, written from Slack's public documentation."""
