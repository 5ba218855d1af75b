"""Finds the binary to run."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from surveyd._error import SurveydError

# The platforms of the wheels with a binary, as Python names them.
WHEELS = [("Linux", "x86_64"), ("Linux", "aarch64")]


def find_binary() -> Path:
    """The binary that $SURVEYD names, or else the one of this package.

    Errors: $SURVEYD does not exist, or this package has no binary for this platform.
    """
    named = os.environ.get("SURVEYD")
    if not named:
        return packaged_binary()
    path = Path(named).absolute()
    if not path.exists():
        raise SurveydError(
            f"SURVEYD names {named}, which does not exist: set it to the path of a surveyd binary, "
            "or unset it to use the one of this package"
        )
    return path


def packaged_binary() -> Path:
    """The binary inside this package. Errors: the package was built for all platforms, without one."""
    path = Path(__file__).with_name("bin") / "surveyd"
    if not path.exists():
        system, machine = platform.system(), platform.machine()
        way_out = "run the fake in a container or WSL2 and set SURVEYD_URL to its address, or set SURVEYD to a binary"
        if (system, machine) in WHEELS:
            way_out = f"install the wheel whose name ends with {machine}.whl instead of this one, which ends with any.whl"
        raise SurveydError(f"this package has no surveyd for {system.lower()} {machine}; {way_out}")
    return path
