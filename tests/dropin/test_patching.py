"""Every way in which programs and their tests look into a call is noticed: what they put there is called."""

import asyncio
from unittest import mock

import pytest

import smartclient
from smartclient import Response, Session, adapters, api, sessions

URL = "http://h.example/path"


@pytest.fixture(autouse=True)
def _close_shared_session():
    yield
    api._session().close()


def answer(status=200, content=b"mocked"):
    """A response as tests of programs make them."""
    response = Response()
    response.status_code = status
    response._content = content
    return response


def test_nothing_is_seen_of_a_plain_session():
    from smartclient._api.seams import is_seen

    session = Session()
    assert not is_seen(session, None)
    assert not is_seen(session, ("user", "pass"))
    session.hooks, session.adapters  # noqa: B018, looking changes nothing
    session.get_adapter(URL)
    assert not is_seen(session, None)


@pytest.mark.parametrize(
    "target", ["smartclient.get", "smartclient.api.request", "smartclient.sessions.Session.request"]
)
def test_module_function_is_replaced(target):
    with mock.patch(target) as patched:
        patched.return_value = answer(201)
        assert smartclient.get(URL).status_code == 201
    assert patched.call_count == 1


def test_functions_call_what_requests_would_call():
    with mock.patch.object(api, "request") as patched:
        smartclient.get(URL, params={"a": "1"})
        smartclient.head(URL)
        smartclient.post(URL, data="x")
    assert patched.mock_calls == [
        mock.call("get", URL, params={"a": "1"}),
        mock.call("head", URL, allow_redirects=False),
        mock.call("post", URL, data="x", json=None),
    ]


def test_session_methods_call_request():
    with mock.patch.object(Session, "request", autospec=True) as patched:
        session = Session()
        session.get(URL)
        session.post(URL, {"a": 1}, headers={})
    assert patched.mock_calls == [
        mock.call(session, "GET", URL, params=None, allow_redirects=True),
        mock.call(session, "POST", URL, data={"a": 1}, json=None, headers={}),
    ]


def test_the_class_of_sessions_is_replaced():
    with mock.patch.object(sessions, "Session") as patched:
        smartclient.delete(URL)
    session = patched.return_value.__enter__.return_value
    assert session.request.mock_calls == [mock.call(method="delete", url=URL)]


@pytest.mark.parametrize("call", [smartclient.get, lambda url: Session().get(url)], ids=["function", "session"])
@pytest.mark.parametrize("target", ["smartclient.sessions.Session.send", "smartclient.adapters.HTTPAdapter.send"])
def test_send_of_the_class_is_replaced(target, call):
    with mock.patch(target) as patched:
        patched.return_value = answer()
        assert call(URL).text == "mocked"
    (prepared,), keywords = patched.call_args
    assert (prepared.method, prepared.url, prepared.headers["Accept"]) == ("GET", URL, "*/*")
    told = {"stream": False, "timeout": None, "verify": True, "cert": None, "proxies": {}}
    assert keywords == (told if "Adapter" in target else told | {"allow_redirects": True})


@pytest.mark.parametrize("name", ["send", "request"])
def test_method_of_one_session_is_replaced(name):
    session = Session()
    with mock.patch.object(session, name, return_value=answer()) as patched:
        assert session.get(URL).content == b"mocked"
    assert patched.call_count == 1


def test_send_of_one_adapter_is_replaced():
    session = Session()
    with mock.patch.object(session.get_adapter(URL), "send", return_value=answer()) as patched:
        assert session.get(URL).content == b"mocked"
    assert patched.call_count == 1


def test_prepare_request_is_replaced(origin):
    original = Session.prepare_request

    def prepare(self, request):
        prepared = original(self, request)
        prepared.headers["X-Prepared"] = "1"
        return prepared

    with mock.patch.object(Session, "prepare_request", prepare), Session() as session:
        assert ["X-Prepared", "1"] in session.get(f"{origin.url}/echo").json()["headers"]


def test_merge_environment_settings_is_replaced():
    class Mine(Session):
        def merge_environment_settings(self, url, proxies, stream, verify, cert):
            return super().merge_environment_settings(url, proxies, stream, False, cert)

    with mock.patch.object(adapters.HTTPAdapter, "send", return_value=answer()) as patched:
        Mine().get(URL)
    assert patched.call_args.kwargs["verify"] is False


def test_get_adapter_is_overridden():
    class Mine(Session):
        def get_adapter(self, url):
            return mock.Mock(send=mock.Mock(return_value=answer(418)))

    assert Mine().get(URL).status_code == 418


def test_subclass_that_overrides_nothing_is_not_seen():
    from smartclient._api.seams import is_seen

    class Mine(Session):
        def login(self):
            return self.auth

    assert not is_seen(Mine(), None)


def test_overridden_send_is_called_and_may_go_on(origin):
    class Mine(Session):
        def send(self, request, **kwargs):
            request.headers["X-Mine"] = "1"
            return super().send(request, **kwargs)

    with Mine() as session:
        assert ["X-Mine", "1"] in session.get(f"{origin.url}/echo").json()["headers"]


def test_what_a_mock_answers_is_not_kept_and_what_is_kept_hides_no_mock(origin):
    url = f"{origin.url}/page/tea"
    with Session() as session:
        assert session.get(url).text == "page tea, hit 1\n"
        with mock.patch.object(adapters.HTTPAdapter, "send", return_value=answer()):
            assert session.get(url).text == "mocked"
        assert session.get(url).text == "page tea, hit 1\n"
    assert origin.seen.hits["/page/tea"] == 1


def test_mocked_errors_pass(way):
    with (
        mock.patch.object(adapters.HTTPAdapter, "send", side_effect=smartclient.Timeout),
        pytest.raises(smartclient.Timeout) as caught,
    ):
        Session().get(URL)
    assert caught.value.request.url == URL


@pytest.mark.parametrize("hooks", [{"response": mock.Mock(return_value=None)}, mock.Mock(return_value=None)])
def test_hooks_are_called(origin, hooks):
    with Session() as session:
        response = session.get(f"{origin.url}/bytes/3", hooks=hooks, timeout=7)
    called = hooks["response"] if isinstance(hooks, dict) else hooks
    told = {"stream": False, "timeout": 7, "verify": True, "cert": None, "proxies": {}}
    assert called.mock_calls == [mock.call(response, **told)]


def test_hooks_of_a_session_may_be_set_and_added_to(origin):
    seen = []
    with Session() as session:
        session.hooks = {"response": lambda response, **_: seen.append(response.status_code)}
        session.get(f"{origin.url}/bytes/3")
        session.hooks["response"] = [lambda response, **_: seen.append("list")]
        session.get(f"{origin.url}/bytes/3")
        session.get(f"{origin.url}/bytes/3", hooks={"response": [lambda response, **_: seen.append("own")]})
    assert seen == [200, "list", "own"]


def test_hooks_are_called_for_each_hop_and_may_replace(origin):
    seen = []

    def replace(response, **_):
        seen.append(response.status_code)
        return answer(299) if response.status_code == 200 else None

    with Session() as session:
        response = session.get(f"{origin.url}/redirect/2", hooks={"response": replace})
    assert seen == [302, 302, 200]
    assert response.status_code == 299


def test_auth_hangs_a_hook_on_the_request_and_sends_it_again(origin):
    class Challenge:
        def __call__(self, request):
            request.register_hook("response", self.answer)
            return request

        def answer(self, response, **keywords):
            if response.status_code != 401:
                return response
            response.content  # noqa: B018, frees the connection
            again = response.request.copy()
            again.headers["Authorization"] = "Basic dXNlcjpwYXNz"
            answered = response.connection.send(again, **keywords)
            answered.history.append(response)
            answered.request = again
            return answered

    with Session() as session:
        response = session.get(f"{origin.url}/basic", auth=Challenge())
    assert response.text == "welcome\n"
    assert [each.status_code for each in response.history] == [401]


def test_hooks_on_an_event_loop(origin):
    async def later(response, **keywords):
        seen.append(keywords["timeout"])

    def replace(response, **_):
        return response if seen else None

    async def main():
        async with smartclient.AsyncSession() as session:
            session.hooks["response"].append(lambda response, **_: seen.append(response.status_code))
            first = await session.get(f"{origin.url}/bytes/1")
            second = await session.get(f"{origin.url}/bytes/2", hooks={"response": [later, replace]}, timeout=9)
            return first.content, second.content

    seen = []
    assert asyncio.run(main()) == (b"0", b"01")
    assert seen == [200, 9]
