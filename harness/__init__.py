"""Empirical verdicts on what a signal does to a containerised app."""

from importlib.metadata import version

__version__ = version("signal-harness")
