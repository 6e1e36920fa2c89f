"""What an engine says of containers that run, read: names, settings, and those that are gone in the midst of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from docker.errors import APIError, ImageNotFound

from harness.core.audit import Starting
from harness.core.forecast import Sure
from harness.engine.running import listed, look

if TYPE_CHECKING:
    import docker

    from harness.core.audit import Listed, Looked

TITLES = ["PID", "PPID", "PGID", "STAT", "WCHAN", "CAUGHT", "IGNORED", "BLOCKED", "PENDING", "COMMAND"]
ROW = ["100", "1", "100", "Ss", "hrtimer_nanosleep", "0", "0", "0", "0", "sleep 9"]
NOW = "2026-01-02T03:04:05.123456789Z"


def facts(**values: Any) -> dict[str, Any]:
    config = {"Entrypoint": None, "Cmd": ["sleep", "9"], "Env": ["A=b=c", "PATH=/bin"], "StopSignal": "SIGINT"}
    return {
        "Image": "sha256:1",
        "Path": "sleep",
        "Args": ["9"],
        "State": {"Status": "running", "Running": True, "Pid": 100, "StartedAt": "2026-01-02T03:00:05.5Z"},
        "HostConfig": {"PidMode": "", "RestartPolicy": {"Name": "no"}},
        "Config": config,
    } | values


@dataclass
class ScriptedApi:
    """An engine elsewhere: its containers are in no /proc of this machine. ``gone`` can no longer be inspected."""

    container: dict[str, Any] = field(default_factory=facts)
    rows: list[list[str]] = field(default_factory=lambda: [ROW])
    images: dict[str, Any] = field(default_factory=lambda: {"sha256:1": {"Config": {"Cmd": "x", "Entrypoint": "sh"}}})
    gone: bool = False

    def containers(self, *, all: bool) -> list[dict[str, Any]]:  # noqa: A002  docker-py's
        assert all
        common = {"Image": "i", "State": "running"}
        return [
            {"Id": "2" * 64, "Names": ["/other/alias", "/web"], "Labels": None, **common},
            {"Id": "1" * 64, "Names": ["/a"], "Labels": {"signal-harness.run": "x"}, **common},
            {"Id": "3" * 64, "Names": [], "Labels": {"signal-harness.base": "x"}, **common},
        ]

    def info(self) -> dict[str, str]:
        return {"SystemTime": NOW}

    def inspect_container(self, _: str) -> dict[str, Any]:
        if self.gone:
            raise APIError("gone", response=cast("Any", _Answer()))
        return self.container

    def inspect_image(self, image: str) -> dict[str, Any]:
        if image not in self.images:
            raise ImageNotFound(image)
        return cast("dict[str, Any]", self.images[image])

    def top(self, _: str, ps_args: str) -> dict[str, Any]:
        assert "caught" in ps_args
        return {"Titles": TITLES, "Processes": self.rows}


class _Answer:
    status_code = 404
    reason = "Not Found"
    url = ""


def listing(api: ScriptedApi) -> tuple[Listed, ...]:
    return listed(cast("docker.APIClient", api))


def looks(api: ScriptedApi) -> tuple[Looked, ...]:
    return look(cast("docker.APIClient", api), listing(api)[2:])


def test_containers_are_listed_by_their_own_names() -> None:
    assert [(one.name, one.ours) for one in listing(ScriptedApi())] == [
        ("3" * 64, False),
        ("a", True),
        ("web", False),
    ]


def test_a_container_is_looked_at_through_the_engine() -> None:
    (web,) = looks(ScriptedApi())
    assert web.starting == Starting(
        command=("sleep", "9"), environment={"A": "b=c", "PATH": "/bin"}, stop_signal="SIGINT"
    )
    assert web.image == Starting(entrypoint=("sh",), command=("x",))
    assert (round(web.age_s), web.stop_timeout, web.executables) == (240, None, {})
    assert (web.forecast.verdict, web.forecast.sure) == ("forced", Sure.CERTAIN)


def test_one_that_shares_its_pid_namespace_is_not_spared_by_the_kernel() -> None:
    (web,) = looks(ScriptedApi(container=facts(HostConfig={"PidMode": "host", "Init": True, "AutoRemove": True})))
    assert (web.forecast.verdict, web.shares_pids, web.init, web.removed) == ("abrupt", True, True, True)


def test_one_that_is_gone_is_left_out() -> None:
    assert looks(ScriptedApi(gone=True)) == ()
    ended = facts(State={"Status": "exited", "Running": False, "Pid": 0, "StartedAt": NOW})
    assert looks(ScriptedApi(container=ended)) == ()


def test_one_that_is_about_to_be_restarted_stays() -> None:
    state = {"Status": "restarting", "Running": True, "Restarting": True, "Pid": 0, "StartedAt": NOW}
    (web,) = looks(ScriptedApi(container=facts(State=state)))
    assert (web.listed.state, web.forecast.sure) == ("restarting", Sure.OPEN)


def test_an_image_may_be_gone() -> None:
    (web,) = looks(ScriptedApi(images={}))
    assert web.image is None
