"""Tells people what happens: cards and threads, files, Home tabs."""
