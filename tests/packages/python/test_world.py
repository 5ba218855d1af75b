"""Each method of the fixture `surveyd`. mypy checks this file, too: so its types are what a test needs."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from surveyd import Fake, SurveydError, World

THREAD = {
    "clientId": 2,
    "channel": 1,
    "status": "CLOSED",
    "startTime": "2026-03-02T11:00:00.000Z",
    "stateChangeTime": "2026-03-02T11:01:00.000Z",
}

def send(world: World, token: str | None = None, client: int = 1) -> int:
    """The status of a send of form 1."""
    body = {"clientId": {"type": "internalClientId", "id": client}, "qualityFormId": 1}
    headers = {"Authorization": f"Bearer {token or world.token}", "Content-Type": "application/json"}
    connection = HTTPConnection(urlsplit(world.url).netloc, timeout=10)
    try:
        connection.request("POST", "/api/v1/quality/send", json.dumps(body), headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_tokens(surveyd: World) -> None:
    statuses = {user: send(surveyd, surveyd.token_of(user)) for user in ("crm", "other", "wrongrole", "expired")}
    assert statuses == {"crm": 200, "other": 200, "wrongrole": 403, "expired": 401}
    assert [(row["clientId"], row["token"]) for row in surveyd.sends()] == [(1, "test-crm"), (1, "test-other")]


def test_sends_of_a_client_and_after_another(surveyd: World) -> None:
    surveyd.put("threads", 3, **THREAD)
    assert [send(surveyd, client=1), send(surveyd, client=2)] == [200, 200]
    assert [row["sendingId"] for row in surveyd.sends(client=2)] == [2]
    assert [row["sendingId"] for row in surveyd.sends(after=1)] == [2]
    assert [row["sendingId"] for row in surveyd.sends(form=1, thread=1)] == [1]


def test_sends_are_waited_for(surveyd: World) -> None:
    assert send(surveyd) == 200
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(surveyd.sends, wait="20s", count=2)
        assert send(surveyd) == 200
        assert [row["sendingId"] for row in waiting.result()] == [1, 2]
    assert len(surveyd.sends(wait="1ms", count=3)) == 2, "when the time is over, the sends that there are"


def test_attempts(surveyd: World) -> None:
    assert [send(surveyd, client=2), send(surveyd)] == [409, 200]
    refused, sent = surveyd.attempts()
    assert (refused["status"], refused["message"], sent["status"]) == (409, "Client has open thread", 200)
    assert {"rule": "noOpenThread", "state": "failed", "row": "/admin/threads/3"} in refused["rules"]
    assert surveyd.admin("GET", "/admin/threads/3")["status"] == "ASSIGNED"
    assert surveyd.attempts(status=200) == surveyd.attempts(client=1) == [sent]
    assert surveyd.attempts(requestId=refused["requestId"]) == [refused]


def test_faults(surveyd: World) -> None:
    surveyd.fault(times=2, status=503, retryAfter=0)
    assert [send(surveyd), send(surveyd), send(surveyd)] == [503, 503, 200]
    surveyd.fault(after_commit=True, client=1)
    with pytest.raises(ConnectionError):
        send(surveyd)
    assert len(surveyd.sends()) == 2


def test_settings(surveyd: World) -> None:
    assert surveyd.settings() == {"surveysViaExternalApi": True}
    assert surveyd.settings(surveysViaExternalApi=False) == {"surveysViaExternalApi": False}
    assert send(surveyd) == 409


def test_the_clock(surveyd: World) -> None:
    assert surveyd.clock()["real"]
    stopped = surveyd.clock(now="2100-01-01T00:00:00Z", advance=None)
    assert stopped == {"now": "2100-01-01T00:00:00.000Z", "real": False, "ticking": False}
    assert surveyd.clock(advance="PT2H")["now"] == "2100-01-01T02:00:00.000Z"
    assert send(surveyd) == 200
    assert surveyd.sends()[0]["sentAt"] == "2100-01-01T02:00:00.000Z"
    assert surveyd.clock(real=True)["real"]


def test_rows_and_worlds(surveyd: World) -> None:
    assert surveyd.put("clients", 7, externalId="crm-7") == {"id": 7, "externalId": "crm-7"}
    world = surveyd.world()
    assert [client["id"] for client in world["clients"]] == [1, 2, 3, 4, 7]
    one_client = {**world, "clients": world["clients"][:1], "threads": world["threads"][:1]}
    assert surveyd.world(one_client) == one_client
    assert [send(surveyd, client=1), send(surveyd, client=2)] == [200, 404]


def test_errors_have_the_message_of_the_fake(surveyd: World) -> None:
    errors: dict[str, Callable[[], object]] = {
        "PUT /admin/threads/1: 400 ": lambda: surveyd.put("threads", 1, **{**THREAD, "clientId": 9}),
        "POST /admin/faults: 400 status must be an integer from 400 to 599": lambda: surveyd.fault(status=200),
        "GET /admin/sends?wait=5&limit=1000: 400 ": lambda: surveyd.sends(wait="5"),
        "PUT /admin/world: 400 threads[0].clientId: no client 9": lambda: surveyd.world(
            {**surveyd.world(), "threads": [{**THREAD, "id": 1, "clientId": 9}]}
        ),
        # mypy finds this one: the package has types.
        "PUT /admin/cats/1: 404 ": lambda: surveyd.put("cats", 1),  # type: ignore[arg-type]
    }
    for message, call in errors.items():
        with pytest.raises(SurveydError) as error:
            call()
        assert str(error.value).startswith(message)


def test_a_fake_without_fixtures() -> None:
    with Fake() as fake:
        with fake.new_world() as one, fake.new_world() as two:
            assert send(one) == 200
            assert (len(one.sends()), two.sends(), two.report()) == (1, [], "")
            assert one.name in _worlds(fake)
        assert not {one.name, two.name} & _worlds(fake)
    with pytest.raises(SurveydError) as error:
        one.sends()
    assert str(error.value) == "the fake ended with status 0: its stderr is empty"


def _worlds(fake: Fake) -> set[str]:
    with fake.new_world() as world:
        return {row["name"] for row in world.admin("GET", "/admin/worlds")}
