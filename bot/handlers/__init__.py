"""Carries out what people ask: who may, what the engine says, and an answer in any case."""
