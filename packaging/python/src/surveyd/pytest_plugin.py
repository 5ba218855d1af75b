"""The pytest plugin: the fixtures, the option of the ini file, and the report of a failing test's world."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Callable

import pytest

from surveyd import Fake, SurveydError, World

if TYPE_CHECKING:
    from pluggy import Result

NOTHING_ASKED = "nothing was asked in this world: does the code use its token, and its URL?"
REPORT = pytest.StashKey[Callable[[], str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(
        "surveyd_args",
        "flags of `surveyd fake`, such as --world FILE or --answers FILE. Paths begin at the rootdir. Not used with SURVEYD_URL.",
        type="args",
        default=[],
    )


@pytest.fixture(scope="session")
def surveyd_fake(pytestconfig: pytest.Config) -> Iterator[Fake]:
    """One fake for all tests of this process, on a free port: $SURVEYD_URL, or else one that is started."""
    with _errors_without_traceback():
        fake = Fake(*pytestconfig.getini("surveyd_args"), directory=pytestconfig.rootpath)
    with fake:
        yield fake


@pytest.fixture
def surveyd(surveyd_fake: Fake, request: pytest.FixtureRequest) -> Iterator[World]:
    """A world for this test alone: a database of its own in the fake, dropped after the test."""
    world = surveyd_fake.new_world()
    request.node.stash[REPORT] = world.report
    yield world
    with _errors_without_traceback():
        # For a failure in the teardown: then the world is gone.
        report = world.report()
        request.node.stash[REPORT] = lambda: report
        world.drop()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Result[pytest.TestReport], None]:
    """Adds what was asked in the world of a failing test to its report."""
    result = yield
    report = result.get_result()
    if report.failed and REPORT in item.stash:
        report.sections.append(("surveyd", _text(item.stash[REPORT])))


def _text(report: Callable[[], str]) -> str:
    try:
        return report() or NOTHING_ASKED
    except SurveydError as error:
        return str(error)


@contextmanager
def _errors_without_traceback() -> Iterator[None]:
    try:
        yield
    except SurveydError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None
