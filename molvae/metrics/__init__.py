"""Measured values with their definitions."""
