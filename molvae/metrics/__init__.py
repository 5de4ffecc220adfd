"""Metrics: what each one is, how it is computed, and how it is written to files."""
