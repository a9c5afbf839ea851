"""What Slack sends: each listener reads the payload, acknowledges at once, and hands the work over."""
