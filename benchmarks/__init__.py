"""Measures what the program is fast at and what it costs, on the lab's virtual time and on the machine at hand."""
