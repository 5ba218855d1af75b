"""The fence device: switches a machine off by the callers' network, and answers when it is off."""

import socketserver
import threading

from machine import Machine


class Power:
    """Answers `off NAME` and `status NAME` at 10.77.0.1:9000. It does one thing after the other, and does not hear a
    machine that is off: so two machines that fence each other cannot both be switched off."""

    def __init__(self, machines: list[Machine]):
        self.machines = {machine.name: machine for machine in machines}
        # The names of machines that it does not answer: their way to the fence device is cut.
        self.deaf_to = set()
        self.fenced = []
        lock = threading.Lock()
        power = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                asker = next(m for m in machines if m.address == self.client_address[0])
                verb, name = self.rfile.readline().decode().split()
                with lock:
                    if asker.name in power.deaf_to or not asker.running():
                        return
                    machine = power.machines[name]
                    if verb == "off":
                        power.fenced.append((asker.name, name))
                        machine.kill()
                    self.wfile.write(b"on\n" if machine.running() else b"off\n")

        self._server = socketserver.ThreadingTCPServer(("10.77.0.1", 9000), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
