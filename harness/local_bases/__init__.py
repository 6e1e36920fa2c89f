"""Base images assembled from packages, for places where no image registry answers."""

from harness.local_bases.assemble import build_recipe

__all__ = ["build_recipe"]
