"""Decides what the bot knows of backups: when a VM was in backup, and when it will be again."""
