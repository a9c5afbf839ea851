"""Tells people what happens: cards and threads, pictures, Home tabs."""
