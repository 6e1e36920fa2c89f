"""Patches as people read them."""

from __future__ import annotations

from rich.console import Console

from harness.report.patch_text import patch_lines, patch_text

PATCH = "--- a/run.sh\n+++ b/run.sh\n@@ -1,2 +1,2 @@\n #!/bin/sh\n-\tnode \x1b[2J\n+\texec node \x1b[2J\n"


def test_a_patch_keeps_its_lines_and_no_control_character_reaches_a_terminal() -> None:
    console = Console(width=40, record=True, force_terminal=True, color_system=None)
    with console.capture() as shown:
        console.print(patch_text(PATCH))
    assert shown.get() == (
        "--- a/run.sh\n+++ b/run.sh\n@@ -1,2 +1,2 @@\n #!/bin/sh\n-       node \\x1b[2J\n+       exec node \\x1b[2J\n"
    )


def test_what_goes_and_what_comes_differ_in_colour() -> None:
    spans = {str(span.style) for span in patch_text(PATCH).spans}
    assert spans == {"red", "green", "cyan", "bold"}


def test_a_line_that_goes_may_look_like_the_name_of_a_file() -> None:
    patch = "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n--- a/x\n+++ b/x\n y\n\\ No newline at end of file\n--- a/z\n"
    assert [sort.value for sort, _ in patch_lines(patch)] == [
        *("name", "name", "where", "goes", "comes", "stays", "stays", "name")
    ]
