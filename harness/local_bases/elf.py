"""The one question asked of programs here: do they bring everything they need?"""

from __future__ import annotations

import struct
from typing import Final

_MAGIC: Final = b"\x7fELF\x02\x01"  # 64 bit, little-endian, as every supported architecture is
_PT_INTERP: Final = 3


def is_static(program: bytes) -> bool:
    """Tell whether a program starts without a dynamic loader, so on any C library.

    Args:
        program: the whole file; anything but a 64-bit little-endian ELF file is not static.
    """
    if not program.startswith(_MAGIC):
        return False
    # Offsets of e_phoff, e_phentsize and e_phnum in the ELF-64 header: see elf(5).
    (table,) = struct.unpack_from("<Q", program, 32)
    size, count = struct.unpack_from("<HH", program, 54)
    kinds = (struct.unpack_from("<I", program, table + index * size)[0] for index in range(count))
    return _PT_INTERP not in kinds
