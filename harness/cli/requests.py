"""Options of requests that an image's app is sent, and what they need."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import click

from harness.cli.help import HOW
from harness.cli.options import together
from harness.core.errors import UsageError
from harness.core.question import Probe
from harness.core.subject import Answering

if TYPE_CHECKING:
    from harness.checking import Check

MOST_IN_FLIGHT: Final = 100
_MOST_PORT: Final = 65_535
_PATH: Final = re.compile(r"/[!-~]*")
"""What a request line holds (RFC 9112, 3.2.1): no blank, and nothing beyond ASCII."""


def is_path(text: str) -> bool:
    """Whether a text can be asked for as it stands."""
    return _PATH.fullmatch(text) is not None


class PathType(click.ParamType[Any]):
    """What a GET asks for, such as ``/slow?seconds=2``."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Read a path, with a query if there is one."""
        path = str(value)
        if not is_path(path):
            self.fail(f"{path!r} is not a path such as /slow?seconds=2: escape what is no ASCII, as %20", param, ctx)
        return path


request_options = together(
    HOW.option(
        "--request",
        type=PathType(),
        metavar="PATH",
        help="Have requests in flight as the stop comes: GET PATH, which the app should take a while to answer; and "
        "say which of them, and of new ones, are answered.",
    ),
    HOW.option(
        "--in-flight",
        type=click.IntRange(1, MOST_IN_FLIGHT),
        metavar="N",
        default=1,
        help="How many.",
    ),
    HOW.option(
        "--port",
        type=click.IntRange(1, _MOST_PORT),
        metavar="N",
        help="The container's port for requests; it is published on 127.0.0.1. [default: the only one exposed]",
    ),
)
"""Requests in flight, and where they are sent."""


def need_reachable(check: Check) -> None:
    """Refuse options of requests where there can be none.

    Raises:
        UsageError: nothing is stopped, nothing asks for a port, or the container has no ports of its own.
    """
    asks = check.request is not None
    if check.in_flight > 1 and not asks:
        raise UsageError("--in-flight is how many requests there are", remedy="Say what is asked for: --request PATH")
    if asks and check.probes and Probe.STOP not in check.probes:
        raise UsageError("requests are in flight as an image is stopped", remedy="Add --probe stop")
    if asks and check.signals and not check.probes:
        raise UsageError("requests are in flight as an image is stopped", remedy="Add --probe stop")
    by_request = isinstance(check.ready, Answering)
    if check.port is not None and not asks and not by_request:
        raise UsageError("--port is where requests are sent", remedy="Add --request PATH, or --ready http:PATH")
    network = check.options.network or ""
    if (asks or by_request) and (network in ("none", "host") or network.startswith("container:")):
        raise UsageError(
            f"with --network {network} no port of the container can be published, so no request gets to it",
            remedy="Leave --network out, or name a bridge network",
        )
