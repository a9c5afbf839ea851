"""Slack messages from domain data, within Slack's limits: cards, lines, pages, answers, pictures. Pure."""
