"""What ends a run without a finding."""

from __future__ import annotations


class CannotTest(Exception):
    """A container that says nothing about its cell; the text is the reason."""
