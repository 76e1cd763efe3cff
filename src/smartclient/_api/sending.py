"""The methods of a session that requests' users call, replace and override; what they do lives in `_api.long_way`."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

from .adapters import bound_adapter, default_adapters
from .once import noted_once
from .request import PreparedRequest, Request
from .response import Response
from .sharing import SharedPool

if TYPE_CHECKING:
    from .._pipeline.stage import Stage
    from .._pipeline.together import Together
    from .session import Session


class SessionRedirectMixin:
    """How redirects are followed on the long way. Overridden methods are called."""

    def get_redirect_target(self, resp: Any) -> str | None:
        """The text of the Location field of a redirect, None when `resp` is none."""
        from .redirects import redirect_target

        return redirect_target(resp)

    def should_strip_auth(self, old_url: str, new_url: str) -> bool:
        """Whether credentials stay behind on the way from one URL to another."""
        from .redirects import should_strip

        return should_strip(old_url, new_url)

    def rebuild_auth(self, prepared_request: Any, response: Any) -> None:
        """Takes the credentials out of a request that leaves the origin of `response`."""
        from .redirects import strip

        if self.should_strip_auth(response.request.url, prepared_request.url):
            strip(prepared_request)

    def rebuild_proxies(self, prepared_request: Any, proxies: Any) -> dict[str, Any]:
        """The proxies for a request that follows a redirect, the environment's included."""
        from .redirects import proxies_for

        return proxies_for(prepared_request.url, proxies, cast("Session", self).trust_env)

    def rebuild_method(self, prepared_request: Any, response: Any) -> None:
        """Gives a request that follows a redirect its method."""
        from .._rules.redirect import redirect_method

        prepared_request.method = redirect_method(response.status_code, prepared_request.method)

    def resolve_redirects(
        self,
        resp: Any,
        req: Any,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
        yield_requests: bool = False,
        **adapter_kwargs: Any,
    ) -> Iterator[Any]:
        """The responses to the redirects that begin with `resp`, one after the other; each is asked for when due.

        With `yield_requests` the request that follows, and nothing is sent.

        Raises:
            TooManyRedirects: more than `max_redirects`.
        """
        from .adapting import Told
        from .redirects import following_responses

        told = Told(stream, timeout, verify, cert, proxies)
        return following_responses(cast("Session", self), resp, req, told, yield_requests, adapter_kwargs)


class Sending(SessionRedirectMixin, SharedPool):
    """A session whose calls go through adapters, hooks and prepared requests as soon as anybody could notice."""

    __attrs__: ClassVar = [  # what pickles of requests' sessions hold; its subclasses add to it
        *("headers", "cookies", "auth", "proxies", "hooks", "params", "verify"),
        *("cert", "adapters", "stream", "trust_env", "max_redirects"),
    ]

    @noted_once
    def adapters(self) -> Any:
        """Adapters by URL prefix, the longest first."""
        return default_adapters(self)

    def mount(self, prefix: str, adapter: Any) -> None:
        """Has `adapter` serve the URLs that begin with `prefix`, where no longer prefix fits."""
        adapters = {name: each for name, each in self.adapters.items() if name != prefix}
        before = {name: each for name, each in adapters.items() if len(name) >= len(prefix)}
        self.adapters.clear()
        self.adapters.update(before)
        self.adapters[prefix] = adapter
        self.adapters.update({name: each for name, each in adapters.items() if name not in before})

    def get_adapter(self, url: str) -> Any:
        """The adapter for `url`.

        Raises:
            InvalidSchema: there is none.
        """
        from .long_way import adapter_for

        return adapter_for(self.adapters, url)

    def prepare_request(self, request: Request) -> PreparedRequest:
        """`request` with the settings of this session.

        Raises:
            RequestException: something in it cannot be sent.
        """
        from .long_way import prepared_by

        return prepared_by(cast("Session", self), request)

    def merge_environment_settings(self, url: str, proxies: Any, stream: Any, verify: Any, cert: Any) -> dict[str, Any]:
        """What is said of proxies, streaming and TLS by a call, the environment and this session, as requests has it.

        The environment goes before the session here. Calls have an order of their own, in which what was given
        explicitly goes before; it is this method that counts where it is overridden.
        """
        from .long_way import merged_settings

        return merged_settings(cast("Session", self), url, proxies, stream, verify, cert)

    def send(self, request: PreparedRequest, **kwargs: Any) -> Response:
        """The response to a prepared request; headers, cookies and parameters of the session are not added.

        Args:
            request: what is sent.
            kwargs: stream, timeout, verify, cert, proxies, allow_redirects; the session's where left out.

        Raises:
            ValueError: `request` is not prepared.
            RequestException: as `request` does.
        """
        from .long_way import send

        return send(cast("Session", self), request, kwargs)

    def derive(self, **options: Any) -> Any:
        """As `SharedPool.derive` says; hooks and mounted adapters are taken over."""
        child = super().derive(**options)
        if "hooks" in self.__dict__:
            child.hooks = {
                event: list(hooks) if isinstance(hooks, list) else hooks for event, hooks in self.hooks.items()
            }
        if "adapters" in self.__dict__:
            child.adapters = self._adapters_for(child)
        return child

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "adapters" in state:
            self.adapters = {
                prefix: bound_adapter(self) if each is None else each for prefix, each in state["adapters"].items()
            }

    def __getstate__(self) -> dict[str, Any]:
        """As `SharedPool` has it, with the adapters that were mounted."""
        state = super().__getstate__()
        if "adapters" in state:
            state["adapters"] = {prefix: None if _is_bound(each) else each for prefix, each in self.adapters.items()}
        return state

    def _adapters_for(self, other: "Sending") -> dict[str, Any]:
        return {prefix: bound_adapter(other) if _is_bound(each) else each for prefix, each in self.adapters.items()}

    def _close_adapters(self) -> None:
        for adapter in self.__dict__.get("adapters", {}).values():
            adapter.close()

    def _open_inner(self) -> "Stage":
        """What repeats and exchanges, over the connections of this session."""
        raise NotImplementedError

    def _open_together(self) -> "Together":
        raise NotImplementedError


def _is_bound(adapter: Any) -> bool:
    return getattr(adapter, "_home", None) is not None


def merge_setting(request_setting: Any, session_setting: Any, dict_class: Any = dict) -> Any:
    """Of two settings the request's; of two mappings both, where a None of the request removes the session's."""
    if session_setting is None:
        return request_setting
    if request_setting is None:
        return session_setting
    if not (isinstance(session_setting, Mapping) and isinstance(request_setting, Mapping)):
        return request_setting
    merged = dict_class({**session_setting, **request_setting})
    for name in [name for name, value in merged.items() if value is None]:
        del merged[name]
    return merged
