"""The JSON of the admin API that tests read. docs/admin-api.md describes the fields."""

from __future__ import annotations

from typing import Literal, TypedDict

Kind = Literal["channels", "clients", "threads", "forms"]
"""What `World.put` writes."""


class Send(TypedDict):
    """A recorded send. `sentAt` is a time in ISO-8601, in UTC. `clientExternalId` is null if the client has none."""

    sendingId: int
    qualityFormId: int
    threadId: int
    clientId: int
    clientExternalId: str | None
    sentAt: str
    token: str
    delivery: str


class _Rule(TypedDict):
    rule: str
    state: Literal["passed", "failed", "notReached"]


class Rule(_Rule, total=False):
    """A rule and what became of it in an attempt. `row` is the admin route of the row that failed it."""

    row: str


class Target(TypedDict):
    """The client or thread that a call named, such as `{"type": "internalClientId", "id": 2}`."""

    type: str
    id: int | str


class _Attempt(TypedDict):
    id: int
    at: str
    requestId: str
    method: str
    uri: str
    token: str | None
    status: int | None
    message: str | None
    clientId: int | None
    threadId: int | None
    qualityFormId: int | None
    sendingId: int | None
    rules: list[Rule]


class Attempt(_Attempt, total=False):
    """A call to `/api/`, with its answer and its rules. `status` is None if the connection was reset."""

    query: str
    userAgent: str
    body: str
    asked: Target
    remark: str


class Settings(TypedDict):
    """Whether external programs may send surveys."""

    surveysViaExternalApi: bool


class Clock(TypedDict):
    """The clock of a world. `now` is in ISO-8601 and UTC. `real`: it follows the system's. `ticking`: it runs."""

    now: str
    real: bool
    ticking: bool
