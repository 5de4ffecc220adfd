"""Molecules as strings and graphs: RDKit and SELFIES."""
