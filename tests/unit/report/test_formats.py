"""The formats of a results file: each has a renderer of its own, loaded when it is asked for."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from harness.core.baseline import recordings
from harness.core.comparison import Comparison, compare
from harness.core.verdict import Expected
from harness.report.formats import Format, render
from harness.report.json import render as as_json
from tests.support.reports import SWALLOWED, report, result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.core.document import Document

DOCUMENT = report(result("v", SWALLOWED, expected=Expected.ALWAYS))
(RECORDED,) = recordings(DOCUMENT)
COMPARED = [compare(RECORDED, RECORDED)]


class ScriptedRenderer:
    """Stands in for the module of a format, and keeps what it is given."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.given: list[tuple[Document, Sequence[Comparison]]] = []

    def load(self, name: str) -> ScriptedRenderer:
        self.names.append(name)
        return self

    def render(self, document: Document, comparisons: Sequence[Comparison] = ()) -> str:
        self.given.append((document, comparisons))
        return "rendered\n"


@pytest.fixture
def renderer(monkeypatch: pytest.MonkeyPatch) -> ScriptedRenderer:
    made = ScriptedRenderer()
    monkeypatch.setattr("harness.report.formats.import_module", made.load)
    return made


@pytest.mark.parametrize("wanted", Format)
def test_a_format_is_rendered_by_the_module_of_its_name(wanted: Format, renderer: ScriptedRenderer) -> None:
    assert render(wanted, DOCUMENT, COMPARED) == "rendered\n"
    assert renderer.names == [f"harness.report.{wanted.value}"]
    assert renderer.given == [(DOCUMENT, COMPARED)]


def test_without_a_comparison_none_is_given(renderer: ScriptedRenderer) -> None:
    render(Format.HTML, DOCUMENT)
    assert renderer.given == [(DOCUMENT, ())]


@pytest.mark.parametrize("comparisons", [[], COMPARED])
def test_json_is_the_document_whatever_it_is_compared_with(comparisons: list[Comparison]) -> None:
    assert render(Format.JSON, DOCUMENT, comparisons) == as_json(DOCUMENT)


@pytest.mark.parametrize("wanted", Format)
def test_every_format_has_a_module(wanted: Format) -> None:
    assert find_spec(f"harness.report.{wanted}") is not None


@pytest.mark.parametrize("wanted", Format)
def test_every_format_can_be_rendered(wanted: Format) -> None:
    assert "swallowed" in render(wanted, DOCUMENT, COMPARED)


def test_no_renderer_is_loaded_before_it_is_asked_for() -> None:
    names = [f"harness.report.{wanted}" for wanted in Format]
    look = f"import sys, harness.report.formats; print([name for name in {names!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_format_goes_by_its_name_on_the_command_line() -> None:
    assert [*map(str, Format)] == ["json", "junit", "markdown", "html", "sarif", "github", "gitlab"]
