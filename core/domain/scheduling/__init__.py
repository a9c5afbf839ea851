"""Decides which waiting moves may start now, and why the others wait."""
