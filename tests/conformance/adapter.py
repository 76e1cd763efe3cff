"""The client as the conformance suite drives it: one session with an empty cache for each of its exchanges.

SMARTCLIENT_CONFORMANCE says which kind: "sync", "async", "sqlite", each with everything that the suite asks about, or
"default", a session as it comes. Retries are off: the suite counts requests. So are cookies, which would add a field.
"""

import asyncio
import os
import shutil
import tempfile
from http.cookiejar import DefaultCookiePolicy
from math import inf
from typing import Any

from smartclient import AsyncSession, Cache, Session, __version__

KIND = os.environ.get("SMARTCLIENT_CONFORMANCE", "sync")
LABEL = f"smartclient, {KIND}"
EVERYTHING: dict[str, Any] = {"heuristic": True, "complete_parts": True, "stale_if_error": inf}

Pairs = list[tuple[str, str]]
Received = tuple[int, Pairs, bytes, list[tuple[int, Pairs]]]


def version() -> str:
    return __version__


def received(response: Any, content: bytes) -> Received:
    interim = [(status, headers.multi_items()) for status, headers in response.interim]
    return response.status_code, response.headers.multi_items(), content, interim


class Client:
    """A blocking session."""

    def __init__(self) -> None:
        self.folder = tempfile.mkdtemp() if KIND == "sqlite" else None
        cache = True if KIND == "default" else Cache(self.folder, **EVERYTHING)
        self.session = Session(cache=cache, retries=0, trust_env=False)
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))

    def send(
        self, method: str, url: str, headers: Pairs, body: bytes | None, *, follow_redirects: bool, timeout: float
    ) -> Received:
        response = self.session.request(
            method, url, headers=headers, data=body, allow_redirects=follow_redirects, timeout=timeout
        )
        return received(response, response.content)

    def close(self) -> None:
        self.session.close()
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


class AsyncClient:
    """A session on an event loop of its own."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.session = AsyncSession(cache=Cache(**EVERYTHING), retries=0, trust_env=False)
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))

    def send(
        self, method: str, url: str, headers: Pairs, body: bytes | None, *, follow_redirects: bool, timeout: float
    ) -> Received:
        async def call() -> Received:
            response = await self.session.request(
                method, url, headers=headers, data=body, allow_redirects=follow_redirects, timeout=timeout
            )
            return received(response, response.content)

        return self.runner.run(call())

    def close(self) -> None:
        self.runner.run(self.session.aclose())
        self.runner.close()


create = AsyncClient if KIND == "async" else Client
