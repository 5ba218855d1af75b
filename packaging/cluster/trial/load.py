"""Callers who repeat a send with the same Idempotency-Key until it gets a 200, and what they check afterwards."""

import collections
import http.client
import itertools
import json
import threading
import time

ADDRESS = "10.77.0.10"
# How long a caller waits for a connection or an answer before the next try, in seconds.
PATIENCE = 1.0
PAUSE = 0.05
# A send that has no 200 after this time has failed, in seconds.
LIMIT = 240

# Each send has a client of its own, `crm-N`: so the list of sends shows which ones are there, and how often.
numbers = itertools.count(1)


def call(token: str, method: str, path: str, body: str | None = None, headers: dict | None = None,
         address: str = ADDRESS, patience: float = PATIENCE) -> tuple[int, bytes, dict]:
    connection = http.client.HTTPConnection(address, 8080, timeout=patience)
    try:
        connection.request(method, path, body, {"Authorization": f"Bearer {token}", **(headers or {})})
        answer = connection.getresponse()
        return answer.status, answer.read(), dict(answer.getheaders())
    finally:
        connection.close()


class Load:
    """Some threads that send. `acknowledged` has (begin of the last try, its end, tries, replayed) by number."""

    def __init__(self, token: str, threads: int = 6, pause: float = 0.02):
        self.acknowledged, self.failed, self.trouble = {}, [], collections.Counter()
        self._token, self._pause, self._stop = token, pause, threading.Event()
        self._threads = [threading.Thread(target=self._caller, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def _caller(self) -> None:
        while not self._stop.is_set():
            self._send(next(numbers))
            time.sleep(self._pause)

    def _send(self, number: int) -> None:
        body = json.dumps({"clientId": {"type": "externalClientId", "id": f"crm-{number}"}, "qualityFormId": 1})
        headers = {"Content-Type": "application/json", "Idempotency-Key": f"key-{number}"}
        first = time.monotonic()
        for tries in itertools.count(1):
            begin = time.monotonic()
            try:
                status, text, answer = call(self._token, "POST", "/api/v1/quality/send", body, headers)
            except (OSError, http.client.HTTPException) as error:
                status, text = type(error).__name__, b""
            if status == 200:
                end = time.monotonic()
                self.acknowledged[number] = (begin, end, tries, "Idempotent-Replayed" in answer or
                                             "idempotent-replayed" in answer)
                return
            self.trouble[status] += 1
            if status not in (503,) and isinstance(status, int) or begin - first > LIMIT:
                self.failed.append((number, status, text))
                return
            time.sleep(PAUSE)

    def wait_for(self, after: float, timeout: float = LIMIT) -> float:
        """Waits for the first 200 of a call that began after that time. Its time."""
        while time.monotonic() < after + timeout:
            answered = [end for begin, end, _, _ in list(self.acknowledged.values()) if begin > after]
            if answered:
                return min(answered)
            time.sleep(0.01)
        raise AssertionError(f"no 200 for {timeout} s: {self.trouble}")

    def stop(self) -> None:
        """Ends after the sends that are under way have their answers."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def replayed(self) -> int:
        return sum(replayed for _, _, _, replayed in list(self.acknowledged.values()))


def sends(token: str, after: int = 0, address: str = ADDRESS) -> list[dict]:
    """All sends after that id."""
    rows = []
    while True:
        path = f"/admin/sends?after={after}&limit=1000"
        status, text, _ = call(token, "GET", path, address=address, patience=10)
        assert status == 200, (status, text)
        page = json.loads(text)
        rows += page
        if len(page) < 1000:
            return rows
        after = page[-1]["sendingId"]


def newest(token: str) -> int:
    """The id of the newest send, or 0."""
    status, text, _ = call(token, "GET", "/admin/sends?before=end&limit=1", patience=10)
    assert status == 200, (status, text)
    rows = json.loads(text)
    return rows[0]["sendingId"] if rows else 0


def compare(acknowledged: dict, rows: list[dict]) -> tuple[int, int]:
    """How many acknowledged sends are not in the list, and how many sends are there twice."""
    found = collections.Counter(int(row["clientExternalId"].removeprefix("crm-")) for row in rows)
    return len(set(acknowledged) - set(found)), sum(count - 1 for count in found.values())
