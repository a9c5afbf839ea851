"""The line to Slack: connections, tokens, who is who, how often one may speak, what its refusals mean."""
