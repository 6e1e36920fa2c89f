"""BuildKit's progress, which the Engine API forwards as protobuf messages in base64.

Only what is shown is declared: ``StatusResponse.logs`` and ``VertexLog.msg`` of moby/buildkit's
api/services/control/control.proto.
"""

from __future__ import annotations

import base64
from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError


def log_text(trace: str) -> str:
    """The output of build steps in one ``moby.buildkit.trace``; empty if it cannot be read."""
    try:
        status = _status_class().FromString(base64.b64decode(trace))
    except (DecodeError, ValueError):
        return ""
    return b"".join(log.msg for log in status.logs).decode("utf-8", "replace")


@cache
def _status_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="signal_harness/buildkit.proto", package="signal_harness")
    field = descriptor_pb2.FieldDescriptorProto
    log = file.message_type.add(name="VertexLog")
    log.field.add(name="msg", number=4, type=field.TYPE_BYTES, label=field.LABEL_OPTIONAL)
    status = file.message_type.add(name="StatusResponse")
    logs = status.field.add(name="logs", number=3, type=field.TYPE_MESSAGE, label=field.LABEL_REPEATED)
    logs.type_name = ".signal_harness.VertexLog"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("signal_harness.StatusResponse"))
