"""Sends per second on the DRBD disk and on a disk of the same machine, in turns."""

import collections
import random
import selectors
import socket
import statistics
import time

from pair import Pair

SECONDS = 6
CLIENTS = 40_000


def rate(address: str, port: int, token: str, connections: int) -> float:
    """The 200s per second to callers who each send one after the other on a connection of their own."""
    selector, answers = selectors.DefaultSelector(), collections.Counter()

    def send(connection: socket.socket) -> None:
        body = f'{{"clientId":{{"type":"externalClientId","id":"crm-{random.randint(1, CLIENTS)}"}},"qualityFormId":1}}'
        connection.sendall((f"POST /api/v1/quality/send HTTP/1.1\r\nHost: s\r\nAuthorization: Bearer {token}\r\n"
                            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode())

    for _ in range(connections):
        connection = socket.create_connection((address, port))
        selector.register(connection, selectors.EVENT_READ)
        send(connection)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        for key, _ in selector.select(0.1):
            answers[key.fileobj.recv(4096)[:12]] += 1
            send(key.fileobj)
    for key in list(selector.get_map().values()):
        key.fileobj.close()
    assert set(answers) == {b"HTTP/1.1 200"}, answers
    return answers[b"HTTP/1.1 200"] / SECONDS


def measure(pair: Pair, rounds: int) -> None:
    """Prints the rates at 1, 16 and 64 connections, the median of the rounds."""
    active = pair.active()
    active.run("mkdir -p /srv/local && mount /dev/vdc /srv/local && cp /root/first.db /srv/local/surveyd.db"
               " && chown -R surveyd: /srv/local")
    active.run("systemd-run --quiet --unit local --uid surveyd --working-directory /srv/local surveyd serve"
               " --listen 0.0.0.0:8081")
    active.wait("surveyd health --listen 127.0.0.1:8081 || bash -c '< /dev/tcp/127.0.0.1/8081'")
    for connections in (1, 16, 64):
        seen = {8080: [], 8081: []}
        for _ in range(rounds):
            for port, rates in seen.items():
                rates.append(rate(active.address, port, pair.token, connections))
        drbd, local = (statistics.median(rates) for rates in seen.values())
        print(f"--- ratio: {connections} connections: drbd {drbd:.0f}/s, local {local:.0f}/s, {drbd / local:.2f}",
              flush=True)
    active.run("systemctl stop local && umount /srv/local")
