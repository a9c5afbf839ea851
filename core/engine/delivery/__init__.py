"""Carries what was recorded to people: notices, cards, reminders, warnings."""
