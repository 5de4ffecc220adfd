"""A trained model: its face, how it is loaded, and what is built on it."""
