"""The evaluate stage: what a trained model does with molecules that it has not seen."""

from molvae.evaluate.stage import evaluate

__all__ = ["evaluate"]
