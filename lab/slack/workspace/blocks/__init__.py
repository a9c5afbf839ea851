"""Block Kit: what Slack accepts, and what it stores of it."""
