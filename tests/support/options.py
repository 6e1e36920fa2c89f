"""Launch options that are all set, each to something of its own."""

from __future__ import annotations

from harness.core.subject import LaunchOptions

ALL_SET = LaunchOptions(
    init=True,
    entrypoint=("/bin/sh", "-c"),
    command=("sleep 1", "again"),
    environment={"A": "b c"},
    user="1000:1000",
    network="host",
    memory="64m",
    pids_limit=99,
    extra_hosts={"there": "127.0.0.1"},
    stop_signal="SIGINT",
    stop_timeout=7,
    volumes=("/a:/b:ro",),
    cpus=1.5,
    cap_drop=("ALL",),
    cap_add=("SYS_PTRACE",),
    security_opt=("no-new-privileges",),
    read_only=True,
    tmpfs=("/run:size=64m", "/tmp"),
    platform="linux/arm64",
)
