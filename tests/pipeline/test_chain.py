"""The list of stages: its order, and what only the order gives."""

import contextlib
import gzip
import threading

import pytest

from smartclient._model.body import BytesReader
from smartclient._model.errors import ReadError
from smartclient._model.headers import Fields
from smartclient._model.message import Head, Reply
from smartclient._model.options import Options
from smartclient._model.request import Request
from smartclient._model.url import URL
from smartclient._pipeline.cache import CacheStage
from smartclient._pipeline.caching import Caching
from smartclient._pipeline.chain import build_chain
from smartclient._pipeline.content import ContentStage, whole_content
from smartclient._pipeline.exchange import AsyncExchangeStage, SyncExchangeStage
from smartclient._pipeline.origin import OriginStage
from smartclient._pipeline.redirect import RedirectStage
from smartclient._pipeline.retry import RetryStage
from smartclient._pipeline.together import Together
from smartclient._rules.budget import RetryBudget
from smartclient._rules.jar import Jar
from smartclient._runtime.base import run_blocking
from smartclient._store.memory import MemoryStore

FRESH = ("Cache-Control", "max-age=60")
DATE = ("Date", "Fri, 15 Jan 2027 08:00:00 GMT")
NOW = 1_800_000_000.0  # that moment


@pytest.fixture
def chain(below, fake_runtime):
    def build(store=None, jar=None):
        return build_chain(
            below,
            together=Together(fake_runtime()),
            wall_clock=lambda: NOW,
            jar=jar,
            caching=None if store is None else Caching(store),
            budget=RetryBudget(contextlib.nullcontext()),
        )

    return build


def call(chain, url="http://h.example/", fields=(), **options):
    return run_blocking(chain(Request("GET", URL.parse(url), Fields(fields), options=Options(**options))))


def stages(chain):
    while hasattr(chain, "next"):
        yield type(chain)
        chain = chain.next


def test_order(chain):
    assert list(stages(chain(MemoryStore()))) == [RedirectStage, OriginStage, ContentStage, CacheStage, RetryStage]


def test_without_a_store_there_is_no_cache_stage(chain):
    assert CacheStage not in list(stages(chain()))


def test_a_hit_is_no_attempt(chain, below):
    calls = chain(MemoryStore())
    below.will(ReadError("once", sent="wholly"))
    below.will(200, FRESH, DATE, body=b"x")
    first, second = call(calls), call(calls)
    assert len(below.requests) == 2
    assert (len(first.attempts), second.attempts, second.provenance) == (2, (), "cache")


def test_stored_bytes_are_coded_and_hits_are_decoded(chain, below):
    calls = chain(MemoryStore())
    wire = gzip.compress(b"text")
    below.will(200, FRESH, DATE, ("Content-Encoding", "gzip"), body=wire)
    assert run_blocking(whole_content(call(calls))) == b"text"
    hit = call(calls)
    assert hit.provenance == "cache"
    assert run_blocking(hit.raw.read()) == wire
    assert run_blocking(whole_content(call(calls))) == b"text"


def test_every_hop_gets_its_own_cookies(chain, below):
    jar = Jar(threading.Lock())
    calls = chain(jar=jar)
    below.will(302, ("Location", "/two"), ("Set-Cookie", "a=1"))
    below.will(302, ("Location", "http://other.example/"))
    below.will(200)
    call(calls, cookies=(("mine", "x"),))
    assert [each.fields.getlist("cookie") for each in below.requests] == [["mine=x"], ["a=1; mine=x"], []]


def test_what_the_origin_stage_added_selects_in_the_cache(chain, below):
    """Two users of one store: the second one's page is not the first one's (Vary: Cookie)."""
    calls = chain(MemoryStore())
    for body in (b"one", b"two"):
        below.will(200, FRESH, DATE, ("Vary", "Cookie"), body=body)
    bodies = [run_blocking(whole_content(call(calls, cookies=(("user", name),)))) for name in "121"]
    assert bodies == [b"one", b"two", b"one"]


def test_exchange_looks_the_method_up_at_every_call(fake_runtime):
    """So that whoever patches a transport sees each exchange."""
    request = Request("GET", URL.parse("http://h.example/"))
    reply = Reply(Head(200), BytesReader(b""), request)

    class Transport:
        def handle_request(self, request):
            return reply

        async def handle_async_request(self, request):
            return reply

    transport = Transport()
    for stage, name in ((SyncExchangeStage, "handle_request"), (AsyncExchangeStage, "handle_async_request")):
        exchange = stage(transport, fake_runtime())
        assert run_blocking(exchange(request)) is reply
        original = getattr(transport, name)
        setattr(transport, name, lambda request, original=original: original(None))
        assert name in vars(transport)
        assert run_blocking(exchange(request)) is reply
