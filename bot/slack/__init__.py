"""Slack's Web API and connections: tokens, errors, rate limits, user groups, time zones."""
