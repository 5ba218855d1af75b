"""nginx and Caddy in front of surveyd, with the files of packaging/nginx and packaging/caddy."""

import json
import os
import re
import subprocess
import unittest

from harness import NAME, Operations, eventually, free_port, needs, substituted

SEND = '{"clientId":{"type":"externalClientId","id":"crm-1"},"qualityFormId":1}'

NGINX = """
{user}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.error;
events {{}}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    access_log {folder}/nginx.access;
    include {folder}/surveyd.conf;
    server {{
        listen 127.0.0.1:{path_port};
        include {folder}/surveyd-path.conf;
    }}
}}
"""

# No certificate from outside, and no port that another program may have.
CADDY = """{
	admin off
	local_certs
	skip_install_trust
	auto_https disable_redirects
}
"""


class Proxied(Operations):
    settings = 'proxies = ["127.0.0.1/32"]'

    def setUp(self):
        super().setUp()
        self.tls_port, self.path_port = free_port(), free_port()
        self.own_name = f"https://{NAME}:{self.tls_port}"
        self.path = f"http://127.0.0.1:{self.path_port}/surveyd"

    def call(self, url, *arguments, token=None):
        """The status, the head and the body of an answer through the proxy."""
        resolve = ["--insecure", "--resolve", f"{NAME}:{self.tls_port}:127.0.0.1"]
        bearer = ["--header", f"Authorization: Bearer {token or self.admin}"]
        answer = self.curl("--include", "--output", "-", *resolve, *bearer, *arguments, url)
        head, body = answer.replace("\r\n", "\n").split("\n\n", 1)
        return int(head.split()[1]), head, body

    def send(self, url, *arguments):
        json_body = ["--header", "Content-Type: application/json", "--data", SEND]
        return self.call(f"{url}/api/v1/quality/send", *json_body, *arguments, token=self.crm)

    def check(self, url):
        """What must be true of every proxy, at a name of its own and under a path."""
        with self.subTest(f"{url}: a send, with the address of the caller and not one that the caller made up"):
            status, head, _ = self.send(url, "--header", "X-Forwarded-For: 203.0.113.9")
            self.assertEqual(status, 200)
            request = re.search("(?i)^x-request-id: (.*)$", head, re.MULTILINE)[1]
            line = eventually("the line of the send", lambda: self.logged(request_id=request))[0]
            self.assertEqual(line["address"], "127.0.0.2")

        with self.subTest(f"{url}: refusals are surveyd's own, also that of a large body"):
            status, _, body = self.call(f"{url}/api/v1/threads/1", token="wrong")
            self.assertEqual((status, "message" in body), (401, True), body)
            large = self.write("large.json", json.dumps({"name": "x" * 100_000}))
            json_body = ["--header", "Content-Type: application/json", "--data", f"@{large}"]
            status, _, body = self.call(f"{url}/admin/channels/1", "--request", "PUT", *json_body)
            self.assertEqual((status, "message" in body), (413, True), body)

        with self.subTest(f"{url}: an event arrives while the stream is open"):
            arguments = ["curl", "--silent", "--no-buffer", "--insecure", f"{url}/admin/events"]
            arguments += ["--resolve", f"{NAME}:{self.tls_port}:127.0.0.1"]
            arguments += ["--header", f"Authorization: Bearer {self.admin}", "--max-time", "15"]
            with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as stream:
                # The stream begins with what there was; what comes after its first comment is new.
                while (line := stream.stdout.readline()) and not line.startswith(":"):
                    pass
                self.assertEqual(self.send(url)[0], 200)
                while (line := stream.stdout.readline()) and line != "event: sends\n":
                    pass
                self.assertEqual(line, "event: sends\n", "the stream ended without the event")
                stream.terminate()

        with self.subTest(f"{url}: the console and the documentation, and what they load"):
            for page in ["/", "/docs"]:
                status, _, html = self.call(f"{url}{page}")
                self.assertEqual(status, 200)
                links = set(re.findall(r'(?:src|href)="([^"#:]+)"', html))
                self.assertTrue(links)
                for link in links:
                    self.assertFalse(link.startswith("/"), f"{page} has a link that is not relative: {link}")
                    self.assertEqual(self.call(f"{url}/{link}")[0], 200, link)

        with self.subTest(f"{url}: the connection to surveyd is HTTP/1.1, and bodies in chunks pass"):
            self.assertEqual(self.send(url, "--http1.1", "--header", "Transfer-Encoding: chunked")[0], 200)

    @needs("nginx")
    def test_nginx(self):
        backend = ("127.0.0.1:8080", f"127.0.0.1:{self.port}")
        listen = ("listen 443", f"listen 127.0.0.1:{self.tls_port}")
        files = ("/etc/ssl/surveyd/", f"{self.folder}/")
        self.write("surveyd.conf", substituted("nginx/surveyd.conf", backend, listen, files))
        self.write("surveyd-path.conf", substituted("nginx/surveyd-path.conf", backend))
        # nginx gives up root's rights, and the temporary folder is its owner's.
        user = "user root;" if os.geteuid() == 0 else ""
        main = self.write("nginx.conf", NGINX.format(user=user, folder=self.folder, path_port=self.path_port))
        nginx = ["nginx", "-p", str(self.folder), "-c", str(main), "-e", str(self.folder / "nginx.error")]
        tested = subprocess.run([*nginx, "-t"], capture_output=True, text=True)
        self.assertEqual(tested.returncode, 0, tested.stderr)
        self.assertNotIn("warn", tested.stderr)
        self.start(nginx)
        self.await_proxy()
        self.check(self.own_name)
        self.check(self.path)
        status, head, _ = self.call(self.path)
        self.assertEqual((status, f"Location: {self.path}/" in head), (301, True), head)
        # Neither a path nor a name is in nginx's log.
        self.call(f"{self.own_name}/admin/clients?after=1")
        self.assertNotIn("clients", (self.folder / "nginx.access").read_text())

    @needs("caddy")
    def test_caddy(self):
        backend = ("127.0.0.1:8080", f"127.0.0.1:{self.port}")
        own_name = (f"\n{NAME} {{", f"\nhttps://{NAME}:{self.tls_port} {{")
        path = ("\nwww.example.com {", f"\nhttp://127.0.0.1:{self.path_port} {{")
        file = self.write("Caddyfile", CADDY + substituted("caddy/Caddyfile", backend, own_name, path))
        env = {"XDG_DATA_HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder), "HOME": str(self.folder)}
        self.start(["caddy", "run", "--config", file, "--adapter", "caddyfile"], env=env)
        self.await_proxy()
        self.check(self.own_name)
        self.check(self.path)
        status, head, _ = self.call(self.path)
        self.assertEqual((status, "Location: /surveyd/" in head), (302, True), head)

    def await_proxy(self):
        def answers():
            try:
                return self.call(f"{self.own_name}/livez")[0] == 200 and self.call(f"{self.path}/livez")[0] == 200
            except AssertionError:
                return False

        eventually("the proxy answers", answers)


if __name__ == "__main__":
    unittest.main()
