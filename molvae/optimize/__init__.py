"""The optimize stage: a trained model and an objective in, better molecules out."""
