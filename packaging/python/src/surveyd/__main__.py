"""The command `surveyd`: becomes the binary of this package, with the same arguments."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from surveyd._binary import packaged_binary
from surveyd._error import SurveydError


def main() -> NoReturn:
    # Not $SURVEYD: it may name this very command.
    try:
        binary = packaged_binary()
    except SurveydError as error:
        sys.exit(f"surveyd: {error}")
    os.execv(binary, ["surveyd", *sys.argv[1:]])


if __name__ == "__main__":
    main()
