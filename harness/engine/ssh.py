"""An engine behind ssh: its socket, forwarded to one of our own by the ssh that is here.

That ssh has the user's own keys, agent, config and known hosts. All connections go through the one that it has: a
forwarded one is no session, of which a server lets in few (sshd_config(5), MaxSessions).
"""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from harness.core.errors import EngineUnavailable, UsageError
from harness.engine.scratch import scratch
from harness.engine.service import awaited

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SOCKET: Final = "/var/run/docker.sock"
_CONNECT_S: Final = 20
_UP_S: Final = 40
_END_S: Final = 5
_MOST_TEXT: Final = 400

_OPTIONS: Final = (
    "BatchMode=yes",  # nobody is there to be asked
    "ControlMaster=no",  # another's connection would go on when ours has to end
    "ControlPath=none",
    "ExitOnForwardFailure=yes",
    f"ConnectTimeout={_CONNECT_S}",
    "ServerAliveInterval=15",
)
_LAST: Final = (
    ("Host key verification failed", "the key of {host} is not known, or is not the one that it had"),
    ("Permission denied", "{host} lets nobody in without a password"),
    ("Could not resolve hostname", "nobody knows a host {host}"),
    ("Connection refused", "nothing answers there"),
    ("timed out", "nothing answers there"),
)
"""What ssh says as it gives up, and what that means."""

_REMEDIES: Final = {
    "Host key verification failed": "Log in by hand once, and compare the key with that of the machine: {login}",
    "Permission denied": "ssh has to log in without asking: give its agent your key (ssh-add), and try: {login} true",
}
_REMEDY: Final = "This has to work first: {login} true"
_AT_FAR_END: Final = (
    "Is docker running there, and may the user use it? To see: {login} docker version\n"
    "A socket elsewhere is named in the URL: {url}/run/user/1000/docker.sock"
)


@contextmanager
def forwarded(url: str) -> Iterator[Forwarded]:
    """Forward the engine's socket on a host, which the path of the URL may name, to a socket of our own.

    Raises:
        UsageError: the URL names no host.
        EngineUnavailable: ssh is not here, or does not get there; the message has what it said.
    """
    host, port, path = parts_of(url)
    with scratch("ssh") as folder:
        socket, said = folder / "engine.sock", folder / "said"
        options = [word for option in _OPTIONS for word in ("-o", option)]
        # cat ends as its input does: with us, however that is.
        command = ["ssh", *options, *port, "-T", "-L", f"{socket}:{path}", "--", host, "cat"]
        with said.open("wb") as log:
            try:
                ssh = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log, start_new_session=True
                )
            except FileNotFoundError:
                remedy = "On Debian: apt-get install -y openssh-client"
                raise EngineUnavailable(f"no ssh is here to reach {url} with", remedy=remedy) from None
        forward = Forwarded(url=url, socket=socket, said=said, login=" ".join(["ssh", *port, host]))
        with awaited(ssh, socket, within_s=_UP_S, ends_s=_END_S):
            if not socket.exists():
                raise forward.refused(host)
            yield forward


class Forwarded:
    """A socket that is forwarded, and what becomes of it."""

    def __init__(self, *, url: str, socket: Path, said: Path, login: str) -> None:
        self.at = f"unix://{socket}"
        self._url, self._said, self._login = url, said, login

    def refused(self, host: str) -> EngineUnavailable:
        """Why ssh did not get to the host."""
        said = self._words()
        found = next(((sign, why) for sign, why in _LAST if sign in said), None)
        why = f"{found[1].format(host=host)}: {said}" if found else said or f"no connection within {_UP_S} s"
        remedy = _REMEDIES.get(found[0], _REMEDY) if found else _REMEDY
        return EngineUnavailable(f"ssh does not get to {self._url}: {why}", remedy=remedy.format(login=self._login))

    def silent(self) -> EngineUnavailable:
        """Why no engine answers at the far end, though ssh got there."""
        said = self._words()
        return EngineUnavailable(
            f"ssh gets to {self._url}, but no engine answers there{f': {said}' if said else ''}",
            remedy=_AT_FAR_END.format(login=self._login, url=self._url.rstrip("/")),
        )

    def _words(self) -> str:
        """The end of what ssh said."""
        lines = self._said.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return "; ".join(line.strip() for line in lines[-3:] if line.strip())[-_MOST_TEXT:]


def parts_of(url: str) -> tuple[str, list[str], str]:
    """The host as ssh takes it, its port as options, and the path of the socket there.

    Raises:
        UsageError: it names no host, or a port that is none, or has a password, which ssh takes from nobody.
    """
    try:
        split = urlsplit(url)
        host, port = split.hostname or "", split.port
    except ValueError:
        host, port, split = "", None, None
    if split is None or not host or host.startswith("-") or split.password or split.query or split.fragment:
        raise UsageError(
            f"{url} is no address that ssh knows", remedy="It is ssh://[USER@]HOST[:PORT][/PATH/OF/SOCKET]."
        )
    user = f"{split.username}@" if split.username else ""
    return f"{user}{host}", ["-p", str(port)] if port else [], split.path.rstrip("/") or _SOCKET
