"""A fake: the one that SURVEYD_URL names, or one that is started here."""

from __future__ import annotations

import json
import os
import uuid
from http.client import HTTPException
from pathlib import Path
from types import TracebackType
from typing import Any

from surveyd import _http
from surveyd._error import SurveydError
from surveyd._process import FakeProcess
from surveyd._world import World

# In pytest, the traceback of an error ends at the line of the test.
__tracebackhide__ = True


class Fake:
    """A running fake. The end of a `with` block stops it, and so does the end of this process, even by `kill -9`.

    `flags` are flags of `surveyd fake`, such as `"--world", "world.json"` or `"--answers", "answers.json"`. Relative paths begin at `directory`, by
    default the working directory. If SURVEYD_URL is set, that fake is used, and `flags` are not.

    Errors: SurveydError if no fake starts, or if SURVEYD_URL is not the address of a fake.
    """

    url: str
    """Its address, such as `http://127.0.0.1:41235`, without a slash at the end."""

    def __init__(self, *flags: str, directory: str | os.PathLike[str] = ".") -> None:
        self._process: FakeProcess | None = None
        running = os.environ.get("SURVEYD_URL")
        if running:
            self.url = running.rstrip("/")
            _check_is_fake(self.url)
        else:
            self._process = FakeProcess(flags, Path(directory))
            self.url = self._process.url

    def new_world(self) -> World:
        """A world that no other test uses, also no other process. It is created when a token first names it."""
        return World(self.url, uuid.uuid4().hex, self._call)

    def stop(self) -> None:
        """Stops the fake if it was started here."""
        if self._process:
            self._process.stop()

    def __enter__(self) -> Fake:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _call(self, method: str, path: str, token: str, body: object, accept: str) -> bytes:
        """Calls a route. Errors: SurveydError if there is no answer, or with the message of the fake."""
        headers = {"Authorization": f"Bearer {token}", "Accept": accept}
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body).encode()
        try:
            answer = _http.call(self.url, method, path, headers, content)
        except (OSError, HTTPException) as error:
            ended = self._process and self._process.why_it_ended()
            raise SurveydError(ended or f"{method} {path}: {self.url} does not answer: {error!r}") from error
        if answer.status >= 400:
            raise SurveydError(f"{method} {path}: {answer.status} {_message(answer.body)}")
        return answer.body


def _message(body: bytes) -> str:
    """The message of an error."""
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")


def _check_is_fake(url: str) -> None:
    """Errors: nothing answers there, or what answers is not a fake."""
    hint = "set SURVEYD_URL to the address of a `surveyd fake`, or unset it to let the tests start one"
    try:
        answer = _http.call(url, "GET", "/console.json", {})
    except (OSError, HTTPException, ValueError) as error:
        raise SurveydError(f"SURVEYD_URL is {url}, which does not answer ({error}): {hint}") from None
    try:
        document: Any = json.loads(answer.body)
        is_fake = document["fake"] is True
    except (ValueError, KeyError, TypeError):
        is_fake = False
    if not is_fake:
        raise SurveydError(f"SURVEYD_URL is {url}, which is not a fake: {hint}")
