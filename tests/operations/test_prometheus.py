"""Prometheus reads a server with the files of packaging/prometheus, and runs every query of packaging/grafana."""

import json
import re
import subprocess
import unittest
import urllib.error
import urllib.parse
import urllib.request

from harness import ROOT, Operations, eventually, free_port, needs, substituted

SEND = '{"clientId":{"type":"internalClientId","id":%d},"qualityFormId":1}'
DASHBOARD = json.loads((ROOT / "packaging/grafana/surveyd.json").read_text())

# The way without metrics.listen, as docs/monitoring.md has it.
WITH_TOKEN = """
  - job_name: with-token
    scheme: https
    tls_config: { insecure_skip_verify: true }
    authorization: { credentials_file: token }
    static_configs:
      - targets: ["127.0.0.1:%d"]
"""


def queries_of(dashboard):
    """(title, query) of each panel, with Grafana's variables as it would fill them in for "All" and a minute."""
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            query = target["expr"].replace("$__rate_interval", "1m").replace("$job", ".+").replace("$instance", ".+")
            yield panel["title"], query


class Prometheus(Operations):
    settings = '[delivery]\nallow = ["127.0.0.0/8"]\n[tls]\ncert = "cert.pem"\nkey = "key.pem"'

    @needs("prometheus")
    def test_every_query_has_an_answer(self):
        self.surveyd("backup", "backup.db")
        # A gateway that refuses connections, so that there is something to count.
        channel = {"name": "Web", "type": "WEB", "deliveryUrl": f"http://127.0.0.1:{free_port()}/"}
        for id in [1, 2]:
            self.call("PUT", f"/admin/channels/{id}", self.admin, json.dumps(channel))
        for client in [1, 2]:
            self.call("POST", "/api/v1/quality/send", self.crm, SEND % client)
        target = ("127.0.0.1:9180", f"127.0.0.1:{self.metrics_port}")
        scrape = substituted("prometheus/scrape.yml", target)
        self.write("token", self.admin)
        config = f"global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\n{scrape}{WITH_TOKEN % self.port}"
        self.write("prometheus.yml", config)
        self.write("surveyd-alerts.yml", substituted("prometheus/surveyd-alerts.yml"))
        port = free_port()
        self.base = f"http://127.0.0.1:{port}"
        storage = ["--storage.tsdb.path", "data", "--web.listen-address", f"127.0.0.1:{port}"]
        self.start(["prometheus", "--config.file", "prometheus.yml", *storage])
        # Two samples, so that there are rates.
        eventually("two samples", lambda: self.samples() >= 2)

        for title, query in queries_of(DASHBOARD):
            with self.subTest(title, query=query):
                self.query(query)
        self.assertEqual(self.query('up{job="with-token"}')[0]["value"][1], "1")
        # One query of those, whose value is known.
        sends = 'sum(surveyd_requests_total{job="surveyd", route="/api/v1/quality/send", status="200"})'
        self.assertEqual(self.query(sends)[0]["value"][1], "1")

        # Each metric that is named is one that the server has, or one of Prometheus itself.
        text = json.dumps(DASHBOARD) + substituted("prometheus/surveyd-alerts.yml")
        named = set(re.findall(r"surveyd_[a-z_]+", text))
        unknown = {name for name in named if not self.query(f'{{__name__="{name}"}}')}
        self.assertEqual(unknown, set())

        rules = eventually("the rules are evaluated", self.evaluated_rules)
        self.assertEqual([rule["lastError"] for rule in rules if rule.get("lastError")], [])
        self.assertEqual([rule["name"] for rule in rules if rule["state"] != "inactive"], [])

    def call(self, method, path, token, body):
        """A call that may be refused."""
        headers = ["--header", f"Authorization: Bearer {token}", "--header", "Content-Type: application/json"]
        self.curl("--insecure", "--request", method, *headers, "--data", body, f"https://127.0.0.1:{self.port}{path}")

    def get(self, path):
        try:
            with urllib.request.urlopen(self.base + path) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error.read().decode()}") from error

    def query(self, query):
        return self.get("/api/v1/query?" + urllib.parse.urlencode({"query": query}))["result"]

    def samples(self):
        try:
            found = self.query('count_over_time(up{job="surveyd"}[1m])')
        except (urllib.error.URLError, ConnectionError, AssertionError):
            return 0
        return int(found[0]["value"][1]) if found else 0

    def evaluated_rules(self):
        rules = [rule for group in self.get("/api/v1/rules")["groups"] for rule in group["rules"]]
        return rules if rules and all(rule["health"] != "unknown" for rule in rules) else None


class Files(unittest.TestCase):
    @needs("promtool")
    def test_alerts(self):
        for arguments in [
            ["check", "config", "packaging/prometheus/scrape.yml"],
            ["check", "rules", "packaging/prometheus/surveyd-alerts.yml"],
            ["test", "rules", "tests/operations/alerts-test.yml"],
        ]:
            checked = subprocess.run(["promtool", *arguments], cwd=ROOT, capture_output=True, text=True)
            self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)

    def test_the_dashboard(self):
        ids = [panel["id"] for panel in DASHBOARD["panels"]]
        self.assertEqual(len(ids), len(set(ids)))
        for panel in DASHBOARD["panels"]:
            self.assertTrue(panel["title"] and panel["description"] and panel["targets"], panel)
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], 24, panel["title"])
        cells = [
            (x, y)
            for place in (panel["gridPos"] for panel in DASHBOARD["panels"])
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        ]
        self.assertEqual(len(cells), len(set(cells)), "two panels overlap")


if __name__ == "__main__":
    unittest.main()
