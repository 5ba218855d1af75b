"""The log of surveyd in a file, with packaging/logging: logrotate rotates it, and rsyslog sends it to another machine."""

import json
import socket
import subprocess

from harness import Operations, eventually, needs, substituted


class Logs(Operations):
    def call(self, times):
        for _ in range(times):
            self.curl("--output", "/dev/null", f"http://127.0.0.1:{self.port}/livez")

    def answers(self, path):
        """The lines about requests in a log file; every line is JSON."""
        return [line for line in map(json.loads, path.read_text().splitlines()) if line["message"] == "answered"]

    @needs("logrotate")
    def test_a_rotated_log_goes_on(self):
        self.call(3)
        eventually("three lines", lambda: len(self.logged(route="/livez")) >= 3)
        file = ("/var/log/surveyd/surveyd.log", str(self.log))
        rotate = self.write("logrotate.conf", substituted("logging/logrotate.conf", file))
        rotate.chmod(0o644)
        command = ["logrotate", "--force", "--state", str(self.folder / "state"), str(rotate)]
        rotated = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(rotated.returncode, 0, rotated.stderr)
        [old] = self.folder.glob("surveyd.log-*")
        before = len(self.answers(old))
        self.assertGreaterEqual(before, 3)
        self.call(2)
        eventually("lines in the new file", lambda: len(self.answers(self.log)) >= 2)

    @needs("rsyslogd")
    def test_lines_reach_another_machine(self):
        with socket.create_server(("127.0.0.1", 0)) as collector:
            collector.settimeout(20)
            changes = [
                ("/var/log/surveyd/surveyd.log", str(self.log)),
                ("logs.example.com", "127.0.0.1"),
                ('"5140"', f'"{collector.getsockname()[1]}"'),
            ]
            text = substituted("logging/rsyslog-file.conf", *changes)
            # What Debian's rsyslog.conf sets.
            config = self.write("rsyslog.conf", f'global(workDirectory="{self.folder}")\n{text}')
            pid = str(self.folder / "rsyslog.pid")
            self.start(["rsyslogd", "-n", "-f", str(config), "-i", pid])
            self.call(3)
            connection, _ = collector.accept()
            with connection, connection.makefile() as lines:
                connection.settimeout(20)
                found = []
                while len(found) < 3:
                    line = json.loads(lines.readline())
                    found += [line] if line.get("route") == "/livez" and line["address"] == "127.0.0.2" else []

    @needs("rsyslogd")
    def test_the_file_for_the_journal_is_valid(self):
        config = self.write("rsyslog.conf", substituted("logging/rsyslog-journal.conf"))
        checked = subprocess.run(["rsyslogd", "-N1", "-f", str(config)], capture_output=True, text=True)
        self.assertEqual(checked.returncode, 0, checked.stderr)
