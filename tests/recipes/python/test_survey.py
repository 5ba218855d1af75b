"""A test suite in Python that uses the fake, with the pytest plugin of the package surveyd.

pip install surveyd-….whl pytest requests && pytest tests/recipes/python
"""

import time
from concurrent.futures import ThreadPoolExecutor

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


def test_the_client_gets_the_form(surveyd):
    send_survey(surveyd.url, surveyd.token, client_id=1, form_id=1)
    assert [send["clientId"] for send in surveyd.sends()] == [1]


def test_each_world_has_its_own_sends(surveyd, surveyd_fake):
    with surveyd_fake.new_world() as other, ThreadPoolExecutor() as pool:
        one = pool.submit(send_survey, surveyd.url, surveyd.token, client_id=1, form_id=1)
        two = pool.submit(send_survey, other.url, other.token, client_id=3, form_id=2)
        one.result()
        two.result()
        assert [send["clientId"] for send in surveyd.sends()] == [1]
        assert [send["clientId"] for send in other.sends()] == [3]


def test_a_refusal_can_be_explained(surveyd):
    with pytest.raises(RuntimeError, match="Client has open thread"):
        send_survey(surveyd.url, surveyd.token, client_id=2, form_id=1)
    (attempt,) = surveyd.attempts(client=2)
    assert {"rule": "noOpenThread", "state": "failed", "row": "/admin/threads/3"} in attempt["rules"]


def test_a_503_is_retried(surveyd):
    surveyd.fault(status=503, retryAfter=0)
    send_survey(surveyd.url, surveyd.token, client_id=1, form_id=1)
    assert len(surveyd.sends()) == 1


def test_a_send_can_be_waited_for(surveyd):
    with ThreadPoolExecutor() as pool:
        pool.submit(send_survey, surveyd.url, surveyd.token, client_id=1, form_id=1)
        assert len(surveyd.sends(wait="5s")) == 1  # it would be 0 after 5 s without a send
