"""The outside world on localhost: simulated Hyper-V hosts and a Slack workspace."""
