"""Puts the binary that the environment variable SURVEYD_BINARY names into the wheel, and names the wheel's platform.

Without it, the wheel has no binary and fits every platform: there, the plugin needs SURVEYD_URL or SURVEYD.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MACHINES = {62: "x86_64", 183: "aarch64"}  # e_machine of an ELF file
PT_INTERP = 3  # the program header that names the dynamic loader


class PlatformHook(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        binary = os.environ.get("SURVEYD_BINARY")
        if binary:
            build_data["force_include"][binary] = "surveyd/bin/surveyd"
            if licences := os.environ.get("SURVEYD_LICENCES"):
                build_data["force_include"][licences] = "surveyd/bin/LICENCES-OF-DEPENDENCIES.txt"
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{platform_tag(Path(binary))}"


def platform_tag(binary: Path) -> str:
    """The platform tag of a wheel with this binary.

    A static binary needs no C library, so it runs with glibc and with musl. The tags are the oldest that exist for both
    machines (PEP 599, PEP 600 and PEP 656). A dynamic one runs where it was built; PyPI takes no wheel with its tag.
    """
    with binary.open("rb") as file:
        header = file.read(64)
        if header[:6] != b"\x7fELF\x02\x01":
            raise SystemExit(f"{binary} is not a 64-bit little-endian ELF file: build it for linux x86_64 or aarch64")
        (code,) = struct.unpack_from("<H", header, 18)
        if code not in MACHINES:
            raise SystemExit(f"{binary} is for the machine {code} of ELF: build it for linux x86_64 or aarch64")
        machine = MACHINES[code]
        (offset,) = struct.unpack_from("<Q", header, 32)
        size, count = struct.unpack_from("<HH", header, 54)
        file.seek(offset)
        program_headers = file.read(size * count)
    types = [struct.unpack_from("<I", program_headers, at)[0] for at in range(0, size * count, size)]
    if PT_INTERP in types:
        return f"linux_{machine}"
    return f"manylinux_2_17_{machine}.manylinux2014_{machine}.musllinux_1_1_{machine}"
