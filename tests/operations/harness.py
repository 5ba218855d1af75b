"""A server with sample data, the programs next to it, and what their tests share. Python's own library is enough."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SURVEYD = os.environ.get("SURVEYD", str(ROOT / "target/debug/surveyd"))
NAME = "surveyd.example.com"
# How long anything may take that takes a moment.
DEADLINE = 20


def needs(*programs):
    """Skips a test if one of these programs is missing; with CI set, the test fails then."""
    missing = [program for program in programs if not shutil.which(program)]
    if missing and os.environ.get("CI"):
        raise RuntimeError(f"{', '.join(missing)} is missing; .ci/operations installs it")
    return unittest.skipIf(missing, f"{', '.join(missing)} is missing")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def eventually(what, check):
    """The first true result of `check`."""
    end = time.monotonic() + DEADLINE
    while not (result := check()):
        if time.monotonic() > end:
            raise AssertionError(f"this did not happen within {DEADLINE} s: {what}")
        time.sleep(0.05)
    return result


def substituted(file, *changes):
    """The text of a file of packaging/ with each (old, new) replaced, which must be there."""
    text = (ROOT / "packaging" / file).read_text()
    for old, new in changes:
        assert old in text, f"{file} has no {old!r}"
        text = text.replace(old, new)
    return text


class Operations(unittest.TestCase):
    """A temporary folder, and `surveyd serve` in it."""

    settings = ""

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="surveyd-operations-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.port, self.metrics_port = free_port(), free_port()
        certificate = ["-keyout", "key.pem", "-out", "cert.pem", "-days", "60", "-subj", f"/CN={NAME}"]
        make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *certificate]
        subprocess.run(make, cwd=self.folder, check=True, capture_output=True)
        self.write(
            "settings.toml",
            f'listen = "127.0.0.1:{self.port}"\n{self.settings}\n[metrics]\nlisten = "127.0.0.1:{self.metrics_port}"\n',
        )
        self.surveyd("apply", ROOT / "src/fake/sample-world.json")
        self.admin = self.surveyd("token", "create", "--name", "ops", "--role", "admin").strip()
        self.crm = self.surveyd("token", "create", "--name", "crm", "--role", "integrator").strip()
        self.log = self.folder / "surveyd.log"
        self.server = self.start([SURVEYD, "serve"], log=self.log)
        self.surveyd("health", "--wait", "10s")

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def surveyd(self, *arguments):
        """What a subcommand prints to stdout."""
        command = [SURVEYD, *map(str, arguments)]
        ended = subprocess.run(command, cwd=self.folder, capture_output=True, text=True)
        self.assertEqual(ended.returncode, 0, f"{command}: {ended.stderr}")
        return ended.stdout

    def start(self, command, log=None, env=None):
        """Starts a program that ends with the test. `log` gets its stderr, appended as systemd does."""
        log = open(log or self.folder / f"{Path(command[0]).name}.log", "a")
        self.addCleanup(log.close)
        nothing = subprocess.DEVNULL
        env = {**os.environ, **(env or {})}
        process = subprocess.Popen(command, cwd=self.folder, stdin=nothing, stdout=nothing, stderr=log, env=env)

        def end():
            process.terminate()
            process.wait(DEADLINE)

        self.addCleanup(end)
        return process

    def logged(self, **fields):
        """The lines of surveyd's log that have these fields."""
        lines = map(json.loads, self.log.read_text().splitlines())
        return [line for line in lines if line.items() >= fields.items()]

    def curl(self, *arguments):
        """What curl prints. It calls from 127.0.0.2, which is not the address of the proxy."""
        command = ["curl", "--silent", "--show-error", "--interface", "127.0.0.2", *map(str, arguments)]
        ended = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=DEADLINE)
        self.assertEqual(ended.returncode, 0, f"{command}: {ended.stderr}")
        return ended.stdout
