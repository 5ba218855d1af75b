"""The process of a fake that this process starts."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from surveyd._binary import find_binary
from surveyd._error import SurveydError

START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 10

# Ctrl-C must not end the fake before the tests have dropped their worlds. A process group does for that; with a session
# of its own, Linux makes a fake wait for its CPU time on a busy machine (sched_autogroup).
OWN_GROUP: dict[str, Any] = {"process_group": 0} if sys.version_info >= (3, 11) else {"start_new_session": True}


class FakeProcess:
    """A running `surveyd fake`. It exits when its stdin is closed, so also when this process was killed.

    Errors: there is no binary, or the fake does not start; then the message has its stderr.
    """

    url: str
    """Its address, such as `http://127.0.0.1:41235`."""

    def __init__(self, flags: tuple[str, ...], directory: Path) -> None:
        command = [str(find_binary()), "fake", "--listen", "127.0.0.1:0", "--exit-on-stdin-close", *flags]
        # A file and not a pipe, because nobody reads it while the fake runs.
        self._stderr = tempfile.TemporaryFile()
        try:
            self._process: subprocess.Popen[Any] = subprocess.Popen(
                command,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                cwd=directory,
                **OWN_GROUP,
            )
        except OSError as error:
            self._stderr.close()
            raise SurveydError(f"{command[0]} cannot be run: {error}") from None
        assert self._process.stdin and self._process.stdout
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        # Programs that are run do not inherit the pipe, but forked children do: they would keep the fake running.
        os.register_at_fork(after_in_child=self._stdin.close)
        self.url = self._wait_until_ready()

    def _wait_until_ready(self) -> str:
        too_late = threading.Timer(START_TIMEOUT_S, self._process.kill)
        too_late.start()
        try:
            line: str = self._stdout.readline().decode(errors="replace").strip()
        finally:
            too_late.cancel()
        if line.startswith("ready url="):
            return line[len("ready url=") :]
        self.stop()
        why = self._stderr_text() or f"it printed {line!r} within {START_TIMEOUT_S} s, and not the line `ready url=…`"
        raise SurveydError(f"surveyd fake did not start: {why}")

    def stop(self) -> None:
        """Ends the fake, and waits until it is gone."""
        self._stdin.close()
        self._stdout.close()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def why_it_ended(self) -> str | None:
        """Its exit status and its stderr; None while it runs."""
        try:
            # A moment, because a connection breaks before its process has ended.
            status = self._process.wait(0.5)
        except subprocess.TimeoutExpired:
            return None
        return f"the fake ended with status {status}: {self._stderr_text() or 'its stderr is empty'}"

    def _stderr_text(self) -> str:
        self._stderr.seek(0)
        text = self._stderr.read().decode(errors="replace").strip()
        return text[len("surveyd: ") :] if text.startswith("surveyd: ") else text
