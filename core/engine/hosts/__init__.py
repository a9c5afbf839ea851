"""Keeps the newest snapshot of every host."""
