"""The engine: plans, jobs, moves. Knows nothing of Slack."""
