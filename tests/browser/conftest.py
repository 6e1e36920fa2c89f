"""Pages of the report's tests, which may load nothing but their file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.report.html import render

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from harness.core.comparison import Comparison
    from harness.core.document import Document

Opens = Callable[..., "Page"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker("browser")


@pytest.fixture
def opens(browser: Browser, tmp_path: Path) -> Iterator[Opens]:
    """Open a document's page from disk; whatever it asks for beside the file, or complains of, is a failure."""
    wrong: list[str] = []
    contexts = []

    def write(document: Document, comparisons: tuple[Comparison, ...]) -> Path:
        file = tmp_path / "report.html"
        file.write_text(render(document, comparisons), encoding="utf-8")
        return file

    def open_page(
        document: Document, *comparisons: Comparison, at: str = "", before: str = "", **settings: Any
    ) -> Page:
        url = write(document, comparisons).as_uri()
        context = browser.new_context(viewport=settings.pop("viewport", {"width": 1440, "height": 900}), **settings)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(5000)
        page.on("request", lambda request: None if request.url.split("#")[0] == url else wrong.append(request.url))
        page.on("console", lambda message: wrong.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        if before:
            page.add_init_script(before)
        page.goto(url + at)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []
