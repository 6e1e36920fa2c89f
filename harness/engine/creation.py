"""How a container is created: a launch in the words of docker-py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from docker.types import HostConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.run.protocol import Launch


_PERIOD_US: Final = 100_000
"""Over which a share of the processors is measured out: what docker takes for ``--cpus``, too."""


def limits_cpus(info: Mapping[str, Any]) -> bool:
    """Whether an engine can limit the processors' time, by its answer to ``info``.

    One of a user without root rarely can: systemd gives such a user no cpu controller unless told to
    (rootlesscontaine.rs, "cgroup v2"), and Podman then refuses the container.
    """
    return bool(info.get("CpuCfsQuota")) and not any(
        "rootless" in option for option in info.get("SecurityOptions") or ()
    )


def share_of_cpus(cpus: float) -> dict[str, Any]:
    """The arguments of ``APIClient.create_host_config`` for so many processors' time."""
    return {"cpu_period": _PERIOD_US, "cpu_quota": round(_PERIOD_US * cpus)}


def creation(launch: Launch, *, api_version: str, cpus: bool = True) -> dict[str, Any]:
    """The arguments of ``APIClient.create_container`` for a launch, but for its name and labels.

    Without ``cpus``, a limit of the processors' time is left out.

    Raises:
        DockerException: an option is malformed, such as a size that is none.
    """
    options = launch.options
    published = [] if launch.publish is None else [launch.publish]
    return {
        "image": launch.image,
        "command": None if options.command is None else list(options.command),
        "entrypoint": None if options.entrypoint is None else list(options.entrypoint),
        "environment": dict(options.environment),
        "user": options.user,
        "stop_signal": options.stop_signal,
        "stop_timeout": options.stop_timeout,
        "tty": launch.tty,
        "stdin_open": launch.tty,
        "ports": published,
        "platform": options.platform,
        "host_config": HostConfig(
            version=api_version,
            network_mode=None if published and options.network == "none" else options.network or None,
            port_bindings=dict.fromkeys(published, ("127.0.0.1", None)),
            init=options.init,
            mem_limit=options.memory,
            pids_limit=options.pids_limit,
            **(share_of_cpus(options.cpus) if cpus and options.cpus else {}),
            extra_hosts=dict(options.extra_hosts),
            binds=list(options.volumes),
            cap_drop=list(options.cap_drop),
            cap_add=list(options.cap_add),
            security_opt=list(options.security_opt),
            read_only=options.read_only,
            tmpfs=dict(mount.partition(":")[::2] for mount in options.tmpfs),
        ),
    }
