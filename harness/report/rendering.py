"""How templates of this package are read: everything is escaped, and an unknown name is an error."""

from __future__ import annotations

from functools import cache
from typing import Any

import jinja2


@cache
def environment(**own: Any) -> jinja2.Environment:
    """An environment for the files of ``templates/``; ``own`` are the settings of one kind of output."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("harness.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        **own,
    )
