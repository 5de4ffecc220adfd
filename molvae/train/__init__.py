"""The train stage: prepared molecules in, a trained model with its priors out."""

from molvae.train.stage import train

__all__ = ["train"]
