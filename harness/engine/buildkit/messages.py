"""BuildKit's messages (Protocol Buffers): as many of them, and of their fields, as are needed here."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

if TYPE_CHECKING:
    from collections.abc import Mapping

_PACKAGE: Final = "signal_harness"
_FIELD: Final = descriptor_pb2.FieldDescriptorProto
_MESSAGES: Final[Mapping[str, Mapping[str, tuple[int, Any]]]] = {
    # moby/buildkit, api/services/control/control.proto
    "VertexLog": {"msg": (4, _FIELD.TYPE_BYTES)},
    "StatusResponse": {"logs": (3, "VertexLog")},
    # tonistiigi/fsutil, types/wire.proto and stat.proto; names of files are whatever bytes they are
    "Stat": {
        "path": (1, _FIELD.TYPE_BYTES),
        "mode": (2, _FIELD.TYPE_UINT32),
        "size": (5, _FIELD.TYPE_INT64),
        "mtime_ns": (6, _FIELD.TYPE_INT64),
        "linkname": (7, _FIELD.TYPE_BYTES),
        "devmajor": (8, _FIELD.TYPE_INT64),
        "devminor": (9, _FIELD.TYPE_INT64),
    },
    "Packet": {
        "type": (1, _FIELD.TYPE_UINT32),
        "stat": (2, "Stat"),
        "id": (3, _FIELD.TYPE_UINT32),
        "data": (4, _FIELD.TYPE_BYTES),
    },
}
_MANY: Final = ("logs",)


@cache
def message_class(name: str) -> Any:
    """The class of a message."""
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"{_PACKAGE}.{name}"))


@cache
def _pool() -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    file = descriptor_pb2.FileDescriptorProto(name=f"{_PACKAGE}/buildkit.proto", package=_PACKAGE, syntax="proto3")
    for message, fields in _MESSAGES.items():
        made = file.message_type.add(name=message)
        for field, (number, kind) in fields.items():
            label = _FIELD.LABEL_REPEATED if field in _MANY else _FIELD.LABEL_OPTIONAL
            one = made.field.add(name=field, number=number, label=label)
            if isinstance(kind, str):
                one.type, one.type_name = _FIELD.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
            else:
                one.type = kind
    pool.Add(file)
    return pool
