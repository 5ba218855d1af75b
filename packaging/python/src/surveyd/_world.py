"""A world: a database of its own inside a fake."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Protocol
from urllib.parse import urlencode

from surveyd._rows import Attempt, Clock, Kind, Send, Settings

# In pytest, the traceback of an error ends at the line of the test.
__tracebackhide__ = True


class _Call(Protocol):
    def __call__(self, method: str, path: str, token: str, body: object, accept: str) -> bytes: ...


class World:
    """What one test sees of a fake. Keyword arguments and answers have the names of the JSON of the admin API.

    Every method calls the fake and waits for its answer. Errors: SurveydError with the message of the fake.
    """

    url: str
    """The address of the fake, such as `http://127.0.0.1:41235`; the same for all worlds."""

    name: str
    """The name of the world: the part of its tokens after `@`."""

    token: str
    """A token that may send surveys in this world."""

    def __init__(self, url: str, name: str, call: _Call) -> None:
        self.url = url
        self.name = name
        self.token = self.token_of("crm")
        self._call = call

    def token_of(self, user: str) -> str:
        """The token of a user: `admin` may use /admin, `expired` gets 401, `wrongrole` 403; any other may send."""
        return f"test-{user}@{self.name}"

    def sends(
        self,
        *,
        wait: str | None = None,
        count: int | None = None,
        client: int | None = None,
        thread: int | None = None,
        form: int | None = None,
        after: int | None = None,
    ) -> list[Send]:
        """The sends of this world that match, oldest first, at most 1,000.

        `wait`, such as `5s`, is the longest time to wait until there are `count` of them (1 by default). When it is
        over, the answer is the sends that there are. `after` is a sendingId.
        """
        query = {"wait": wait, "count": count, "client": client, "thread": thread, "form": form, "after": after}
        rows: list[Send] = self.admin("GET", _path("/admin/sends", query))
        return rows

    def attempts(
        self,
        *,
        status: int | None = None,
        client: int | None = None,
        thread: int | None = None,
        requestId: str | None = None,
    ) -> list[Attempt]:
        """The last 1,000 calls of your code in this world that match, oldest first, with the result of each rule."""
        query = {"status": status, "client": client, "thread": thread, "requestId": requestId}
        rows: list[Attempt] = self.admin("GET", _path("/admin/attempts", query))
        return rows

    def report(self) -> str:
        """All attempts as text: each call, its answer, and the rule that failed. Empty if nothing was asked."""
        path = _path("/admin/attempts", {})
        return self._call("GET", path, self.token_of("admin"), None, "text/plain").decode()

    def fault(
        self,
        *,
        times: int | None = None,
        status: int | None = None,
        retryAfter: int | None = None,
        delay: int | None = None,
        reset: bool | None = None,
        truncate: bool | None = None,
        after_commit: bool | None = None,
        client: int | None = None,
        thread: int | None = None,
        form: int | None = None,
        path: str | None = None,
    ) -> None:
        """Makes the next call fail, or the next `times` calls.

        `status` (400 to 599, with `retryAfter` in seconds) is the answer; `reset` breaks the connection before the
        send, `truncate` and `after_commit` after it; `delay` in milliseconds comes before the answer or another fault.
        `client`, `thread` and `form` limit it to some sends; `path` names another call below /api/.
        """
        fault = {
            "times": times,
            "status": status,
            "retryAfter": retryAfter,
            "delay": delay,
            "reset": reset,
            "truncate": truncate,
            "after_commit": after_commit,
            "client": client,
            "thread": thread,
            "form": form,
            "path": path,
        }
        self.admin("POST", "/admin/faults", _given(fault))

    def settings(self, *, surveysViaExternalApi: bool | None = None) -> Settings:
        """Changes the settings that are given, and returns all."""
        change = _given({"surveysViaExternalApi": surveysViaExternalApi})
        settings: Settings = self.admin("PATCH" if change else "GET", "/admin/settings", change or None)
        return settings

    def clock(self, *, now: str | None = None, advance: str | None = None, real: bool | None = None) -> Clock:
        """Sets the clock of this world, and returns it; without arguments it only returns it.

        `now` stops it at a time in ISO-8601, `advance` moves it forward by a duration such as `2h` or `PT2H`, and
        `real` makes it follow the system's again.
        """
        change = _given({"now": now, "advance": advance, "real": real})
        clock: Clock = self.admin("PUT" if change else "GET", "/admin/clock", change or None)
        return clock

    def put(self, kind: Kind, id: int, /, **row: object) -> dict[str, Any]:
        """Creates or replaces a row, such as `put("clients", 7, externalId="crm-7", name="Grace")`, and returns it.

        The fields are those of a world file.
        """
        stored: dict[str, Any] = self.admin("PUT", f"/admin/{kind}/{id}", row)
        return stored

    def world(self, document: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Replaces everything in this world by a world file (a JSON document), if given. Returns its world file."""
        if document is not None:
            self.admin("PUT", "/admin/world", document)
        exported: dict[str, Any] = self.admin("GET", "/admin/world")
        return exported

    def admin(self, method: str, path: str, body: object = None) -> Any:
        """Calls any route as the administrator of this world, such as `admin("GET", "/admin/threads/3")`.

        `body` is sent as JSON if it is not None. Returns the JSON of the answer; None if it has no body.
        """
        answer = self._call(method, path, self.token_of("admin"), body, "application/json")
        return json.loads(answer) if answer else None

    def drop(self) -> None:
        """Removes this world from the fake. A token that names it later creates it again."""
        self.admin("DELETE", "/admin/world")

    def __enter__(self) -> World:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.drop()


def _path(path: str, query: dict[str, Any]) -> str:
    return f"{path}?{urlencode({**_given(query), 'limit': 1000})}"


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
