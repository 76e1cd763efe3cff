"""Stages of a call, in call order; `chain` holds the list."""
