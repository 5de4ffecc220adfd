"""The version of molvae."""

__version__ = "0.1.0"
