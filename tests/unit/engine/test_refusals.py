"""What an engine says of commands that it cannot run, in plain words."""

from __future__ import annotations

import pytest

from harness.core.errors import EngineFault
from harness.engine.refusals import plainly

RUNC = "the engine says: failed to create shim task: OCI runtime create failed: runc create failed: unable to start "


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            'container process: exec: "nope": executable file not found in $PATH: unknown',
            "the command `nope` is not on the image's PATH (127 by docker run): ",
        ),
        (
            'container process: exec: "/no pe": stat /no pe: no such file or directory: unknown',
            "the command `/no pe` is not in the image, or what its first line names is not (127 by docker run): ",
        ),
        (
            'container process: exec: "/etc/passwd": permission denied: unknown',
            "the command `/etc/passwd` is not executable (126 by docker run): ",
        ),
        (
            'container process: exec: "/etc": is a directory: unknown',
            "the command `/etc` is a folder (126 by docker run): ",
        ),
    ],
)
def test_a_command_that_cannot_be_run_is_told_first(said: str, told: str) -> None:
    with pytest.raises(EngineFault) as fault, plainly():
        raise EngineFault(RUNC + said)
    assert fault.value.message == told + RUNC + said


@pytest.mark.parametrize(
    "said",
    ["the engine says: unable to find user x", RUNC + 'exec: "x": some other thing: unknown', "no space left"],
)
def test_anything_else_stays_as_it_is(said: str) -> None:
    with pytest.raises(EngineFault) as fault, plainly():
        raise EngineFault(said)
    assert fault.value.message == said
