"""HTTP with the standard library. Each call has its own connection, so that threads may call at the same time."""

from __future__ import annotations

from http.client import HTTPConnection, HTTPSConnection
from typing import NamedTuple
from urllib.parse import urlsplit

# Longer than the 60 s that `wait` may take.
TIMEOUT_S = 90


class Answer(NamedTuple):
    status: int
    body: bytes


def call(base: str, method: str, path: str, headers: dict[str, str], body: bytes | None = None) -> Answer:
    """Calls `path` below the address `base`, without a proxy. Errors: OSError, HTTPException; ValueError for `base`."""
    url = urlsplit(base)
    if url.scheme not in ("http", "https"):
        raise ValueError("an address begins with http:// or https://")
    connect = HTTPSConnection if url.scheme == "https" else HTTPConnection
    connection = connect(url.netloc, timeout=TIMEOUT_S)
    try:
        connection.request(method, url.path + path, body, headers)
        response = connection.getresponse()
        return Answer(response.status, response.read())
    finally:
        connection.close()
