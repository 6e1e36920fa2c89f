"""Facts of which a test names those that matter to it; the others say that there is no such thing."""

from __future__ import annotations

from typing import Any

from harness.core.facts import BaseFacts, StartCommand


def base_facts(**known: Any) -> BaseFacts:
    """What is known of a base."""
    nothing = dict.fromkeys(("digest", "os", "libc", "shell", "stop_signal", "entrypoint_sha256"))
    return BaseFacts(**{"reference": "base", "id": "sha256:0", "programs": {}, "entrypoint": (), **nothing, **known})


def start_command(**known: Any) -> StartCommand:
    """What an image starts."""
    return StartCommand(**{"entrypoint": (), "command": (), "stop_signal": None, **known})
