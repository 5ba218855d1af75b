"""Suites of users: green ones, and one that must fail."""

from __future__ import annotations

import subprocess
import sys

import pytest
from conftest import Suite, sections

from surveyd import Fake

GREEN = """
import pytest

@pytest.mark.parametrize("number", range(20))
def test_the_client_gets_the_form(surveyd, number):
    send_survey(surveyd.url, surveyd.token, client_id=1, form_id=1)
    assert [send["clientId"] for send in surveyd.sends(wait="5s")] == [1]

def test_all_tests_of_a_process_share_a_fake(surveyd, surveyd_fake):
    assert surveyd.url == surveyd_fake.url
"""

RED = """
import pytest

def test_refused(surveyd):
    surveyd.fault(status=503, retryAfter=0)
    with pytest.raises(RuntimeError):
        send_survey(surveyd.url, surveyd.token, client_id=2, form_id=1)
    send_survey(surveyd.url, surveyd.token, client_id=2, form_id=1)

def test_without_its_token(surveyd):
    send_survey(surveyd.url, "test-crm", client_id=1, form_id=1)
    assert surveyd.sends() == [1]

@pytest.fixture
def checked(surveyd):
    yield surveyd
    assert surveyd.sends() == []

def test_teardown(checked):
    send_survey(checked.url, checked.token, client_id=1, form_id=1)

def test_green(surveyd):
    send_survey(surveyd.url, surveyd.token, client_id=1, form_id=1)
"""

REFUSED = """\
POST /api/v1/quality/send -> 503 Fault: asked for by POST /admin/faults (answered by a fault)
POST /api/v1/quality/send -> 409 Client has open thread
    noOpenThread failed: /admin/threads/3 is {"id":3,"clientId":2,"channel":1,"status":"ASSIGNED",\
"startTime":"2026-03-02T11:00:00.000Z","stateChangeTime":"2026-03-02T11:01:00.000Z"}"""
NOTHING = "nothing was asked in this world: does the code use its token, and its URL?"


@pytest.mark.parametrize("arguments", [(), ("-n", "2")])
def test_a_green_suite(suite: Suite, arguments: tuple[str, ...]) -> None:
    suite.write(GREEN)
    result = suite.run(*arguments)
    result.assert_outcomes(passed=21)
    assert "surveyd" not in result.stdout.str().replace("plugins: surveyd", ""), "nothing is printed when all is well"


@pytest.mark.parametrize("arguments", [(), ("-n", "2")])
def test_a_failing_test_shows_what_was_asked(suite: Suite, arguments: tuple[str, ...]) -> None:
    suite.write(RED)
    result = suite.run(*arguments)
    result.assert_outcomes(passed=2, failed=2, errors=1)
    assert sorted(sections(result, "surveyd")) == sorted([REFUSED, NOTHING, "POST /api/v1/quality/send -> 200"])


def test_an_error_of_the_client_ends_at_the_line_of_the_test(suite: Suite) -> None:
    suite.write("def test(surveyd):\n    surveyd.fault(status=200)\n")
    assert sections(suite.run("--tb=short"), "test") == [
        "test_survey.py:3: in test\n"
        "    surveyd.fault(status=200)\n"
        "E   surveyd.SurveydError: POST /admin/faults: 400 status must be an integer from 400 to 599"
    ]


def test_the_answers_of_another_server(suite: Suite) -> None:
    (suite.folder / "pytest.ini").write_text("[pytest]\nsurveyd_args = --answers answers.json\n")
    answers = '{"version": 1, "layout": "compact", "answers": {"clientNotFound": {"message": "There is no client {id}"}}}'
    (suite.folder / "answers.json").write_text(answers)
    suite.write(
        "import pytest\n"
        "def test(surveyd):\n"
        "    with pytest.raises(RuntimeError, match='^There is no client 9$'):\n"
        "        send_survey(surveyd.url, surveyd.token, client_id=9, form_id=1)\n"
    )
    suite.run().assert_outcomes(passed=1)


def test_flags_from_the_ini_file(suite: Suite) -> None:
    (suite.folder / "pytest.ini").write_text("[pytest]\nsurveyd_args = --world 'my world.json'\n")
    (suite.folder / "my world.json").write_text('{"clients": [{"id": 5, "externalId": "crm-5", "name": "Eve"}]}')
    (suite.folder / "tests").mkdir()
    suite.write("def test(surveyd):\n    assert [row['id'] for row in surveyd.admin('GET', '/admin/clients')] == [5]\n")
    result = suite.run("--rootdir", str(suite.folder), str(suite.folder / "test_survey.py"))
    result.assert_outcomes(passed=1)


def test_two_suites_share_a_running_fake(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    suite.write(GREEN)
    with Fake() as fake:
        monkeypatch.setenv("SURVEYD_URL", fake.url)
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(suite.folder)]
        suites = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        outputs = [suite.communicate()[0] for suite in suites]
        assert [suite.returncode for suite in suites] == [0, 0], outputs
        with fake.new_world() as world:
            worlds = [row["name"] for row in world.admin("GET", "/admin/worlds")]
            assert worlds == [world.name], "every test has dropped its world"
