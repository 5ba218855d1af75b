"""The package itself: its version, its command, and the tags of its wheels."""

from __future__ import annotations

import importlib.util
import platform
import struct
import subprocess
import sys
from importlib.metadata import distribution, version
from pathlib import Path
from typing import Callable

import pytest

SOURCE = Path(__file__).parents[3]
X86_64, AARCH64, RISCV = 62, 183, 243
PT_LOAD, PT_INTERP = 1, 3


def test_the_command_is_the_binary_of_the_package() -> None:
    command = Path(sys.executable).with_name("surveyd")
    assert subprocess.check_output([command, "--version"], text=True) == f"surveyd {version('surveyd')}\n"
    failed = subprocess.run([command, "no-such-command"], capture_output=True, text=True)
    assert (failed.returncode, failed.stdout) == (2, ""), "arguments, stderr and exit status are those of the binary"
    assert "no-such-command" in failed.stderr


def test_the_wheel_needs_no_other_package_and_has_the_license() -> None:
    package = distribution("surveyd")
    assert package.requires is None
    license = next(path for path in package.files or () if path.name == "LICENSE")
    assert license.read_text() == (SOURCE / "LICENSE").read_text()


@pytest.fixture
def platform_tag() -> Callable[[Path], str]:
    """The function of the build that chooses the tag."""
    spec = importlib.util.spec_from_file_location("hatch_build", SOURCE / "packaging/python/hatch_build.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function: Callable[[Path], str] = module.platform_tag
    return function


def test_the_wheels_have_the_tags_of_their_binaries(wheels: Path, platform_tag: Callable[[Path], str]) -> None:
    binary = Path(str(distribution("surveyd").locate_file("surveyd/bin/surveyd")))
    headers = subprocess.check_output(["readelf", "--wide", "--program-headers", binary], text=True)
    machine = platform.machine()
    static = f"manylinux_2_17_{machine}.manylinux2014_{machine}.musllinux_1_1_{machine}"
    tag = f"linux_{machine}" if "INTERP" in headers else static
    assert platform_tag(binary) == tag
    assert f"surveyd-{version('surveyd')}-py3-none-{tag}.whl" in {path.name for path in wheels.iterdir()}
    assert f"surveyd-{version('surveyd')}-py3-none-any.whl" in {path.name for path in wheels.iterdir()}


def elf(machine: int, *program_headers: int) -> bytes:
    """The beginning of an ELF file with program headers of these types."""
    header = bytearray(64)
    header[:6] = b"\x7fELF\x02\x01"
    struct.pack_into("<H", header, 18, machine)
    struct.pack_into("<Q", header, 32, 64)  # the program headers follow
    struct.pack_into("<HH", header, 54, 56, len(program_headers))
    return bytes(header) + b"".join(struct.pack("<I52x", type) for type in program_headers)


def test_tags(tmp_path: Path, platform_tag: Callable[[Path], str]) -> None:
    def tag(content: bytes) -> str:
        (tmp_path / "surveyd").write_bytes(content)
        try:
            return platform_tag(tmp_path / "surveyd")
        except SystemExit as error:
            return str(error).replace(f"{tmp_path}/", "")

    assert tag(elf(X86_64, PT_LOAD)) == "manylinux_2_17_x86_64.manylinux2014_x86_64.musllinux_1_1_x86_64"
    assert tag(elf(AARCH64, PT_LOAD)) == "manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64"
    assert tag(elf(X86_64, PT_LOAD, PT_INTERP)) == "linux_x86_64"
    assert tag(elf(AARCH64, PT_INTERP, PT_LOAD)) == "linux_aarch64"
    hint = "build it for linux x86_64 or aarch64"
    assert tag(elf(RISCV, PT_LOAD)) == f"surveyd is for the machine 243 of ELF: {hint}"
    assert tag(b"#!/bin/sh\n") == f"surveyd is not a 64-bit little-endian ELF file: {hint}"
