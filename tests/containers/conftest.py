from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from harness.catalogues import load_catalogue
from harness.engine.registry import open_engine
from harness.session import open_bases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="session")
def image() -> Iterator[Callable[[str, str], str]]:
    """Gives the image of a variant on a base."""
    folder, catalogue = load_catalogue(None)
    with closing(open_engine()) as engine:
        bases = open_bases(engine, lambda _: None)
        with engine.images(
            folder=folder,
            context=folder / catalogue.context,
            base_image=bases.image,
            on_build=lambda *_: None,
            jobs=2,
        ) as images:

            def get(base: str, variant: str) -> str:
                bases.get(base)
                return images.image_of(catalogue.subject(catalogue.select([variant])[0], base))

            yield get
