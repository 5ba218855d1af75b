"""A virtual machine of the trial: qemu, and a root shell over a virtio port that needs no network."""

import os
import socket
import subprocess
import time
import uuid

BOOT_S = 180


class CommandFailed(Exception):
    """A command in a machine exited with something else than 0."""


class Machine:
    """One of the two machines. `image` is the folder with its disks, `boot` the one with kernel and initrd."""

    def __init__(self, name: str, image: str, boot: str, number: int):
        self.name = name
        self.address = f"10.77.0.{10 + number}"
        self.off_at = None
        # Whether its shell answers. It is only set by a start that is complete.
        self.ready = False
        self._image, self._boot, self._number = image, boot, number
        self._qemu = self._control = None

    @property
    def taps(self) -> tuple[str, str]:
        """The host's ends of its two networks: the callers' and the link to the other machine."""
        return f"{self.name}-callers", f"{self.name}-peers"

    def running(self) -> bool:
        return self._qemu is not None and self._qemu.poll() is None

    def start(self) -> None:
        """Switches the machine on, and returns when its shell answers."""
        path = f"{self._image}/control"
        if os.path.exists(path):
            os.unlink(path)
        command = ["qemu-system-x86_64", "-accel", os.environ.get("ACCEL", "tcg"), "-smp", "1", "-m", "768"]
        command += ["-nodefaults", "-no-reboot", "-display", "none", "-serial", f"file:{self._image}/console"]
        command += ["-kernel", f"{self._boot}/vmlinuz", "-initrd", f"{self._boot}/initrd", "-append"]
        command += [f"quiet panic=-1 tsc=unstable console=ttyS0 net.ifnames=0 systemd.hostname={self.name}"]
        # O_DIRECT: what the guest has written is in the host's disk, and its flushes become the host's fdatasync.
        for disk in ["root", "disk", "local"]:
            command += ["-drive", f"file={self._image}/{disk},format=raw,if=virtio,cache=none"]
        for number, tap in enumerate(self.taps):
            command += ["-netdev", f"tap,id=n{number},ifname={tap},script=no,downscript=no"]
            command += ["-device", f"virtio-net-pci,netdev=n{number},mac=52:54:00:00:{number:02x}:{self._number:02x}"]
        command += ["-device", "virtio-serial-pci", "-chardev", f"socket,id=control,path={path},server=on,wait=off"]
        command += ["-device", "virtserialport,chardev=control,name=control", "-device", "virtio-rng-pci"]
        with open(f"{self._image}/qemu.log", "ab") as log:
            self._qemu = subprocess.Popen(command, stdout=log, stderr=log)
        self._connect(path)
        # The two clocks must agree, as with NTP: `surveyd check` reports sends that are dated before earlier ones. The
        # emulated TSC runs too fast or too slow on a busy host, so the kernel uses another clock.
        self.run("true", timeout=BOOT_S)
        self.run(f"date --set @{time.time()}")
        self.ready = True

    def _connect(self, path: str) -> None:
        deadline = time.monotonic() + 30
        while True:
            self._control = socket.socket(socket.AF_UNIX)
            try:
                return self._control.connect(path)
            except OSError:
                self._control.close()
                if time.monotonic() > deadline or not self.running():
                    raise
                time.sleep(0.05)

    def kill(self) -> float:
        """A power cut: ends qemu at once. Its time in seconds."""
        at = time.monotonic()
        self.ready = False
        if self.running():
            self._qemu.kill()
            self._qemu.wait()
            self.off_at = time.monotonic()
        return at

    def run(self, command: str, timeout: float = 60) -> str:
        """Runs a command as root. Its output; `CommandFailed` if its exit code is not 0."""
        mark = uuid.uuid4().hex
        self._control.settimeout(timeout)
        self._control.sendall(f"( {command}\n) < /dev/null 2>&1; code=$?; echo; echo {mark} $code\n".encode())
        output = b""
        while not output.endswith(b"\n") or mark.encode() not in output:
            part = self._control.recv(65536)
            if not part:
                raise CommandFailed(f"{self.name} is off: {command}")
            output += part
        text, _, code = output.decode(errors="replace").rpartition(mark)
        if code.strip() != "0":
            raise CommandFailed(f"{self.name}: {command}: {text.strip()}")
        return text.strip()

    def refuses(self, command: str) -> str:
        """The output of a command that must fail."""
        try:
            output = self.run(command)
        except CommandFailed as error:
            return str(error)
        raise AssertionError(f"{self.name}: {command} should have failed: {output}")

    def wait(self, command: str, timeout: float = 120) -> None:
        """Repeats a command until it succeeds."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                self.run(command)
                return
            except CommandFailed:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.3)
