"""How a container is created: a launch in the words of docker-py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from docker.types import HostConfig

if TYPE_CHECKING:
    from harness.run.protocol import Launch


def creation(launch: Launch, *, api_version: str) -> dict[str, Any]:
    """The arguments of ``APIClient.create_container`` for a launch, but for its name and labels.

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
            extra_hosts=dict(options.extra_hosts),
            binds=list(options.volumes),
            cap_add=list(options.cap_add),
            read_only=options.read_only,
            tmpfs=dict(mount.partition(":")[::2] for mount in options.tmpfs),
        ),
    }
