"""The formats of a results file for other programs and pages: one renderer each, loaded when it is asked for."""

from __future__ import annotations

from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.core.comparison import Comparison
    from harness.core.document import Document


class Format(StrEnum):
    """What a document can be written as, by the module of that name; ``label`` is for people, ``about`` for help."""

    label: str
    about: str

    def __new__(cls, word: str, label: str = "", about: str = "") -> Self:
        """A format with its facts."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.label, member.about = label, about
        return member

    JSON = "json", "Results", "Write the results to a file, or - for standard output."
    JUNIT = "junit", "JUnit", "Write JUnit XML."
    MARKDOWN = "markdown", "Markdown", "Write Markdown, for a pull request or a step summary."
    HTML = "html", "HTML", "Write one HTML page with all evidence."
    SARIF = "sarif", "SARIF", "Write SARIF, for code scanning."
    GITHUB = "github", "GitHub annotations", "Write GitHub's annotations; they show where a step prints them: use -."
    GITLAB = "gitlab", "GitLab", "Write GitLab's Code Quality report."


def render(wanted: Format, document: Document, comparisons: Sequence[Comparison] = ()) -> str:
    """A document in a format, with what changed since it was recorded, base by base; JSON leaves that out."""
    text: str = import_module(f"harness.report.{wanted}").render(document, comparisons)
    return text
