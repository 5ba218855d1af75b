"""The two machines as one cluster: who is active, the link between them, and what must hold between two rounds."""

import http.client
import subprocess
import threading
import time

from load import call
from machine import CommandFailed, Machine
from power import Power

IN_SYNC = 'test "$(drbdadm dstate surveyd) $(drbdadm cstate surveyd)" = "UpToDate/UpToDate Connected"'


class Pair:
    """Two machines with one copy each. The trial starts what was switched off; nothing else does."""

    def __init__(self, work: str):
        self.a, self.b = (Machine(name, f"{work}/{name}", f"{work}/boot", n) for n, name in enumerate("ab", 1))
        self.both = [self.a, self.b]
        self.power = Power(self.both)
        self.pacemaker = False
        with open(f"{work}/token") as file:
            self.token, self.admin = file.read().split()

    def start(self) -> None:
        threads = [threading.Thread(target=machine.start) for machine in self.both if not machine.running()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(machine.running() for machine in self.both), "a machine did not start: see its console"

    def other(self, machine: Machine) -> Machine:
        return self.b if machine is self.a else self.a

    def active(self) -> Machine:
        """The machine whose copy is mounted and served."""
        serving = [machine for machine in self.both if machine.ready and self.serves(machine)]
        assert len(serving) == 1, f"{len(serving)} machines are active"
        return serving[0]

    @staticmethod
    def serves(machine: Machine) -> bool:
        try:
            machine.run("mountpoint -q /var/lib/surveyd && systemctl is-active surveyd")
            return True
        except CommandFailed:
            return False

    def link(self, connected: bool) -> None:
        """Cuts or restores the network between the machines, without a change of carrier."""
        change = ["master", "peers"] if connected else ["nomaster"]
        subprocess.run(["ip", "link", "set", self.a.taps[1], *change], check=True)

    def settle(self) -> None:
        """Starts what is off, and waits until both copies are whole and one machine serves."""
        self.link(True)
        self.power.deaf_to.clear()
        self.start()
        for machine in self.both:
            machine.wait(IN_SYNC)
        if self.pacemaker:
            self.a.wait("! cibadmin --query --scope constraints | grep drbd-fence", 60)
            self.a.run("crm_resource --cleanup > /dev/null; crm_resource --wait --timeout 60", 70)
        deadline = time.monotonic() + 60
        while not any(map(self.serves, self.both)):
            assert time.monotonic() < deadline, "no machine serves"
            time.sleep(0.2)

    def check(self) -> None:
        """`surveyd check` of the active machine's database."""
        self.active().run("setpriv --reuid surveyd --regid surveyd --clear-groups"
                          " surveyd check --database /var/lib/surveyd/surveyd.db", 120)


    def report(self) -> None:
        """Prints the state and the last log lines of the machines that run, for a trial that has failed."""
        for machine in self.both:
            if machine.ready:
                try:
                    print(machine.run("cat /proc/drbd; journalctl --no-pager --boot -o short-precise"
                                      " | grep --invert-match answered | tail -40"), flush=True)
                except (CommandFailed, OSError) as error:
                    print(f"{machine.name}: {error}", flush=True)


class TwoServers:
    """Asks both machines for /livez, by their own addresses, without a pause. Counts answers of both in one look."""

    def __init__(self, pair: Pair):
        self.looks, self.both = 0, 0
        self._pair, self._stop = pair, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._stop.is_set():
            self.looks += 1
            self.both += all(map(self._answers, self._pair.both))
            time.sleep(0.02)

    def _answers(self, machine: Machine) -> bool:
        if not machine.running():
            return False
        try:
            return call(self._pair.admin, "GET", "/livez", address=machine.address, patience=0.5)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
