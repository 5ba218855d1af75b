"""What the tests of the package share: suites in a folder of their own, and what pytest prints about them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

CODE_UNDER_TEST = '''
import json
from urllib.error import HTTPError
from urllib.request import Request, urlopen


def send_survey(url, token, client_id, form_id):
    body = {"clientId": {"type": "internalClientId", "id": client_id}, "qualityFormId": form_id}
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        urlopen(Request(f"{url}/api/v1/quality/send", json.dumps(body).encode(), headers)).close()
    except HTTPError as error:
        raise RuntimeError(json.load(error)["message"]) from None
'''


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--wheels", help="the folder with the wheels", required=True, type=Path)


class Suite:
    """A folder with a test suite of a user of the package, whose code under test is `survey.send_survey`."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self._pytester = pytester
        self.folder = pytester.path
        (self.folder / "survey.py").write_text(CODE_UNDER_TEST)

    def write(self, tests: str) -> None:
        (self.folder / "test_survey.py").write_text("from survey import send_survey\n" + tests)

    def run(self, *arguments: str) -> pytest.RunResult:
        return self._pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)

    def error(self) -> str:
        """What a test reports that only wants the fixture, and gets an error instead."""
        self.write("def test(surveyd): pass\n")
        result = self.run()
        result.assert_outcomes(errors=1)
        (error,) = sections(result, "ERROR at setup of test")
        return error


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Suite:
    return Suite(pytester)


@pytest.fixture
def wheels(pytestconfig: pytest.Config) -> Path:
    folder: Path = pytestconfig.getoption("--wheels")
    return folder


def sections(result: pytest.RunResult, title: str) -> list[str]:
    """The lines below each headline of pytest's output with this title, up to the next headline."""
    found: list[list[str]] = []
    is_inside = False
    for line in result.outlines:
        headline = re.fullmatch(r"([-_=])\1+ (.*) \1+", line)
        if headline:
            is_inside = headline[2] == title
            if is_inside:
                found.append([])
        elif is_inside:
            found[-1].append(line)
    return ["\n".join(lines) for lines in found]
