"""The state of the simulated workspace: people, channels, messages, views, and Slack's limits on them."""
