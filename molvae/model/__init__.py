"""A trained model: how it is loaded and stored, what it can do, and what is built on it."""
