"""Decisions: pure functions over nouns. Clocks and dice are arguments."""
