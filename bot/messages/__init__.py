"""What people see: cards, lines, pages, answers, pictures, within Slack's limits. Pure."""
