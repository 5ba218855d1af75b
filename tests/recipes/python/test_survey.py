"""A test suite in Python that uses the fake, with pytest and requests. It runs $SURVEYD or `surveyd`.

SURVEYD=target/debug/surveyd pytest tests/recipes/python
"""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from subprocess import PIPE, Popen

import pytest
import requests


def send_survey(url, token, client_id, form_id):
    """The code under test: sends a form to a client, and retries once after a 503, when Retry-After is over."""

    def send():
        body = {"clientId": {"type": "internalClientId", "id": client_id}, "qualityFormId": form_id}
        headers = {"Authorization": f"Bearer {token}"}
        return requests.post(f"{url}/api/v1/quality/send", json=body, headers=headers, timeout=10)

    response = send()
    if response.status_code == 503:
        time.sleep(int(response.headers["Retry-After"]))
        response = send()
    if not response.ok:
        raise RuntimeError(response.json()["message"])


@pytest.fixture(scope="session")
def url():
    """Starts one fake for all tests. It exits when its stdin is closed: by `with`, or because pytest ended."""
    command = [os.environ.get("SURVEYD", "surveyd"), "fake", "--listen", "127.0.0.1:0", "--exit-on-stdin-close"]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True) as fake:
        ready = fake.stdout.readline()  # ready url=http://127.0.0.1:41235
        assert ready, "the fake did not start; its stderr says why"
        yield ready.split("url=")[1].strip()


@pytest.fixture(scope="session")
def admin(url):
    """Calls an admin route in a world: a database of its own, created when a token first names it."""

    def call(world, path, body=None):
        headers = {"Authorization": f"Bearer test-admin@{world}"}
        method = "POST" if body else "GET"
        response = requests.request(method, f"{url}/admin/{path}", json=body, headers=headers, timeout=10)
        response.raise_for_status()
        return response.json()

    return call


def test_each_world_has_its_own_sends(url, admin):
    with ThreadPoolExecutor() as pool:
        one = pool.submit(send_survey, url, "test-crm@w1", client_id=1, form_id=1)
        two = pool.submit(send_survey, url, "test-crm@w2", client_id=3, form_id=2)
        one.result()
        two.result()
    assert [send["clientId"] for send in admin("w1", "sends")] == [1]
    assert [send["clientId"] for send in admin("w2", "sends")] == [3]


def test_a_refusal_can_be_explained(url, admin):
    with pytest.raises(RuntimeError, match="Client has open thread"):
        send_survey(url, "test-crm@refusal", client_id=2, form_id=1)
    attempt = admin("refusal", "attempts?client=2")[-1]
    assert {"rule": "noOpenThread", "state": "failed", "row": "/admin/threads/3"} in attempt["rules"]


def test_a_503_is_retried(url, admin):
    admin("retry", "faults", {"times": 1, "status": 503, "retryAfter": 0})
    send_survey(url, "test-crm@retry", client_id=1, form_id=1)
    assert len(admin("retry", "sends")) == 1


def test_a_send_can_be_waited_for(url, admin):
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(admin, "wait", "sends?wait=5s&count=1")
        send_survey(url, "test-crm@wait", client_id=1, form_id=1)
        assert len(waiting.result()) == 1  # it would be 0 after 5 s without a send
