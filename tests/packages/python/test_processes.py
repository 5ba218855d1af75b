"""No fake is left behind, whatever ends pytest."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Suite

WAITING = """
import signal

def test(surveyd):
    open("waiting", "w").close()
    signal.pause()
"""

WITH_A_FORKED_CHILD = """
import os, signal

def test(surveyd):
    if os.fork() == 0:
        signal.pause()
    open("waiting", "w").close()
    signal.pause()
"""


class Run:
    """pytest, while a test waits."""

    def __init__(self, suite: Suite, tests: str, *arguments: str) -> None:
        suite.write(tests.replace('"waiting"', repr(str(suite.folder / "waiting"))))
        os.mkfifo(suite.folder / "waiting")
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
        self.process = subprocess.Popen(
            command,
            cwd=suite.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # a process group, for Ctrl-C
            # A shell's background job ignores SIGINT, and so would this process.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        open(suite.folder / "waiting").close()
        self.fake = next(pid for pid in descendants(self.process.pid) if name(pid) == "surveyd")
        # Readable when the process has ended, also if its number is used again.
        self._fake_ended = os.pidfd_open(self.fake)

    def fake_ends_within(self, seconds: float) -> bool:
        return bool(select.select([self._fake_ended], [], [], seconds)[0])


def descendants(pid: int) -> Iterator[int]:
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, children.read_text().split()):
            yield child
            yield from descendants(child)


def name(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()


def test_kill_9(suite: Suite) -> None:
    run = Run(suite, WAITING)
    run.process.kill()
    assert run.fake_ends_within(1)


def test_kill_9_with_xdist(suite: Suite) -> None:
    run = Run(suite, WAITING, "-n", "2")
    run.process.kill()
    assert run.fake_ends_within(20), "xdist gives the running test 5 s, and interrupts it then"


def test_kill_9_while_a_forked_child_goes_on(suite: Suite) -> None:
    run = Run(suite, WITH_A_FORKED_CHILD)
    (child,) = (pid for pid in descendants(run.process.pid) if pid != run.fake)
    run.process.kill()
    try:
        assert run.fake_ends_within(1)
    finally:
        os.kill(child, signal.SIGKILL)


def test_ctrl_c(suite: Suite) -> None:
    run = Run(suite, WAITING)
    os.killpg(run.process.pid, signal.SIGINT)
    output = run.process.communicate()[0]
    assert run.process.returncode == pytest.ExitCode.INTERRUPTED
    assert "SurveydError" not in output, "the fake goes on until the world is dropped"
    assert run.fake_ends_within(1)


def test_the_end_of_the_tests(suite: Suite) -> None:
    suite.write("def test(surveyd_fake): open('pid', 'w').write(str(surveyd_fake._process._process.pid))")
    suite.run().assert_outcomes(passed=1)
    assert not Path("/proc", (suite.folder / "pid").read_text()).exists()
