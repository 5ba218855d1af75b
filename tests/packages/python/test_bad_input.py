"""What a developer reads when something is missing or wrong: one sentence, without a traceback."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Suite

HINT = "set SURVEYD_URL to the address of a `surveyd fake`, or unset it to let the tests start one"


@pytest.mark.parametrize(
    ("machine", "way_out"),
    [
        ("x86_64", "install the wheel whose name ends with x86_64.whl instead of this one, which ends with any.whl"),
        ("aarch64", "install the wheel whose name ends with aarch64.whl instead of this one, which ends with any.whl"),
        (
            "riscv64",
            "run the fake in a container or WSL2 and set SURVEYD_URL to its address, or set SURVEYD to a binary",
        ),
    ],
)
def test_no_binary_for_this_platform(
    suite: Suite, wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine: str, way_out: str
) -> None:
    (wheel,) = wheels.glob("surveyd-*-py3-none-any.whl")
    install = ["-m", "pip", "install", "--quiet", "--no-index", "--target", str(tmp_path), str(wheel)]
    subprocess.run([sys.executable, *install, "--disable-pip-version-check"], check=True)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    # Python imports this module first, in each process.
    (tmp_path / "sitecustomize.py").write_text(f"import platform\nplatform.machine = lambda: {machine!r}\n")
    sentence = f"this package has no surveyd for linux {machine}; {way_out}"
    assert suite.error() == sentence
    command = subprocess.run([sys.executable, "-m", "surveyd", "--version"], capture_output=True, text=True)
    assert (command.returncode, command.stdout, command.stderr) == (1, "", f"surveyd: {sentence}\n")


def test_surveyd_does_not_exist(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SURVEYD", "target/debug/surveyd")
    assert suite.error() == (
        "SURVEYD names target/debug/surveyd, which does not exist: set it to the path of a surveyd binary, "
        "or unset it to use the one of this package"
    )


def test_surveyd_cannot_be_run(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SURVEYD", "survey.py")
    path = suite.folder / "survey.py"
    assert suite.error() == f"{path} cannot be run: [Errno 13] Permission denied: '{path}'"


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo no more file descriptors >&2; exit 1", "no more file descriptors"),
        ("echo hello", "it printed 'hello' within 30 s, and not the line `ready url=…`"),
    ],
)
def test_the_fake_does_not_start(suite: Suite, script: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = suite.folder / "surveyd"
    binary.write_text(f"#!/bin/sh\n{script}\n")
    binary.chmod(0o755)
    monkeypatch.setenv("SURVEYD", "surveyd")
    assert suite.error() == f"surveyd fake did not start: {why}"


def test_a_world_file_with_an_error(suite: Suite) -> None:
    (suite.folder / "pytest.ini").write_text("[pytest]\nsurveyd_args = --world my-world.json\n")
    (suite.folder / "my-world.json").write_text('{"threads": [{"id": 1}]}')
    assert suite.error() == (
        "surveyd fake did not start: the world file my-world.json has an error: threads[0]: missing field `clientId`"
    )


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The address of a `surveyd serve`."""
    binary = [sys.executable, "-m", "surveyd"]
    command = [*binary, "serve", "--listen", "127.0.0.1:0", "--database", str(tmp_path / "surveyd.db")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout
    yield process.stdout.readline().split("url=")[1].strip()
    process.terminate()
    process.communicate()


def test_surveyd_url_is_a_server(suite: Suite, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SURVEYD_URL", server + "/")
    assert suite.error() == f"SURVEYD_URL is {server}, which is not a fake: {HINT}"


def test_surveyd_url_does_not_answer(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # it does not listen
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        monkeypatch.setenv("SURVEYD_URL", url)
        refused = f"[Errno {errno.ECONNREFUSED}] {os.strerror(errno.ECONNREFUSED)}"
        assert suite.error() == f"SURVEYD_URL is {url}, which does not answer ({refused}): {HINT}"
    monkeypatch.setenv("SURVEYD_URL", "localhost:8080")
    why = "an address begins with http:// or https://"
    assert suite.error() == f"SURVEYD_URL is localhost:8080, which does not answer ({why}): {HINT}"
