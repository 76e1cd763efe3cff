"""How a call's keywords become a `Request`: merged with the session's settings and checked, before any connection."""

import os
import time
from math import inf
from typing import Any

from .._model.body import NO_BODY
from .._model.errors import MissingSchema
from .._model.frozen import replace
from .._model.headers import Fields, HeadersInput, fields_from
from .._model.options import Options
from .._model.proxy import Environment, Proxies
from .._model.request import Request
from .._model.url import URL
from .._net.transport import is_patched
from .._rules.proxy import proxy_for
from .cookies import cookie_pairs
from .environment import ENVIRON, constancy, environment, is_silent
from .netrc import FOUND, with_netrc
from .options import (
    NOT_GIVEN,
    RoutedOptions,
    auth_from,
    checked_count,
    checked_limits,
    checked_method,
    retries_from,
    timeout_from,
    with_params,
    with_rare,
)
from .payload import FRAMING_FIELDS, body_from, body_with_progress, checked_framing
from .proxies import AUTHORIZATION, proxies_from, with_authorization
from .settings import Settings
from .tls import insecure_category, tls_from, with_environment

_COMMON_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"))
_note = object.__setattr__  # for what is remembered, which is no change of a setting


class RequestMaker(Settings):
    """A session's settings, and what becomes of a call under them."""

    def _plain(self, method: str, url: Any) -> Request:
        """`_request` of a call without options: made as the one before, where nothing has changed but the URL."""
        settings, version, unchanged, fields, options = self._plan
        now = time.monotonic()
        if (
            settings is not self._settings
            or version != self._headers.version
            or self.params
            or self.proxies
            or now >= FOUND.next_look
            or os.environ is not ENVIRON
            or not unchanged()
            or is_patched()
            or not url
        ):
            return self._plain_anew(method, url)
        total = options.timeout.total
        return Request(method, URL.parse(url), fields, NO_BODY, options, inf if total is None else now + total)

    def _plain_anew(self, method: str, url: Any) -> Request:
        # All looks before the request is made: what changes meanwhile, the next call sees.
        settings, version = self._settings, self._headers.version
        unchanged = constancy() if self.trust_env else _always
        # fmt: off
        request = self._request(
            method, url, None, None, None, None, None, None, NOT_GIVEN, True, None, None, None, None, None, NOT_GIVEN,
            {},
        )
        # fmt: on
        options = request.options
        known, _ = self._merged  # no key: something in it may change without notice
        if unchanged and known is not None and self._base is None and options.auth is None and options.tls.verify:
            _note(self, "_plan", (settings, version, unchanged, request.fields, options))
        return request

    def _request(
        self,
        method: Any,
        url: Any,
        params: Any,
        data: Any,
        headers: HeadersInput,
        cookies: Any,
        files: Any,
        auth: Any,
        timeout: Any,
        allow_redirects: bool,
        stream: bool | None,
        verify: Any,
        cert: Any,
        json: Any,
        retries: Any,
        cache: Any,
        rare: RoutedOptions,
    ) -> Request:
        """The request of a call, everything checked: what is wrong with it raises here, before any connection."""
        if type(method) is not str or method not in _COMMON_METHODS:
            method = checked_method(method)
        base = self._base
        if not url and base is None:
            raise MissingSchema(f"Invalid URL {str(url)!r}: No scheme supplied. Perhaps you meant https://{url}?")
        target = URL.parse(url) if base is None else base.join(url)
        if self.params or params:
            target = with_params(target, self.params, params, rare.get("array_style") or self.array_style)
        fields = self._session_fields() if headers is None else fields_from(self._headers, headers)
        if cache is NOT_GIVEN and self._cache_implied and is_patched():
            cache = None  # what a mock answers is not to be seen by the next test
        about_proxies = about_tls = routing = to_proxy = None
        if self.trust_env and not (os.environ is ENVIRON and is_silent()):
            about_proxies, about_tls = environment()
        if about_proxies is not None or self.proxies or rare:
            routing = self._routing(rare.get("proxies"), about_proxies)
            to_proxy = routing and fields.get(AUTHORIZATION)
        options = self._options(auth, timeout, allow_redirects, stream, verify, cert, retries, cache, routing)
        if about_tls is not None:  # for http too: redirects lead to https
            options = self._in_environment(options, verify is None and self._verify is None, about_tls)
        if base is not None and target.origin != base.origin:
            fields = fields_from(self._session_fields().without(options.redirects.credentials), headers)
            options = options if auth is not None else replace(options, auth=None)
        if to_proxy is not None:
            fields, options = with_authorization(fields, options, to_proxy)
        if rare:
            fields, options = with_rare(fields, options, rare)
        if cookies:
            options = replace(options, cookies=cookie_pairs(cookies, target, time.time()))
        if not options.tls.verify:
            _warn_insecure(target, options)
        total = options.timeout.total
        now = time.monotonic()
        if now >= FOUND.next_look and options.auth is None and self.trust_env:
            options = with_netrc(fields, options, target)
        request = Request(method, target, fields, NO_BODY, options, inf if total is None else now + total)
        if data is not None or json is not None or files:
            self._put_body(request, data, json, files)
        if rare and ("compress" in rare or "expect" in rare):
            from .outgoing import prepare_upload

            prepare_upload(request, rare)
        if headers is not None and not FRAMING_FIELDS.isdisjoint(fields.index):
            request.fields, request.body = checked_framing(request.fields, request.body)
        if rare and rare.get("progress") is not None:
            request.body = body_with_progress(request.body, rare["progress"])
        return request

    def _put_body(self, request: Request, data: Any, json: Any, files: Any) -> None:
        """Gives a request that is still being made its body, and the Content-Type unless the caller set one."""
        fields, formats, on_loop = request.fields, self._fixed.formats, not self._blocking
        if formats is None:
            request.body, said = body_from(data, json, files, on_loop=on_loop)
        else:
            request.body, said = formats.body_from(data, json, files, fields.get("content-type"), on_loop=on_loop)
        if said is not None and "content-type" not in fields:
            request.fields = fields.with_line("Content-Type", said)

    def _routing(self, given: Any, environment: Environment | None) -> Proxies | None:
        """What call, session and environment say of proxies."""
        if self._reach is not None and self._reach.unix_socket is not None:
            return None  # that socket stands for every host
        return proxies_from(self.proxies, given, environment)

    def _in_environment(self, options: Options, trust: bool, variables: tuple[Any, ...]) -> Options:
        """`options` with what the environment says of TLS; `trust` tells whether it may name the trusted issuers."""
        known, trusted, seen, changed = self._environed
        if known is not options or trusted is not trust or seen != variables:
            changed = replace(options, tls=with_environment(options.tls, trust))
            _note(self, "_environed", (options, trust, variables, changed))
        return changed

    def _session_fields(self) -> Fields:
        headers = self._headers
        known, version, fields = self._fields
        if known is not headers or version != headers.version:
            version = headers.version  # before the look: what another thread changes meanwhile is seen next time
            fields = fields_from(headers)
            if not FRAMING_FIELDS.isdisjoint(fields.index):
                fields, _ = checked_framing(fields, NO_BODY)  # a session's bodies have no length in common
            _note(self, "_fields", (headers, version, fields))
        return fields

    def _options(self, *given: Any) -> Options:
        # Most calls ask for what the call before asked for: comparing is cheaper than merging.
        key: Any = (
            given,
            self.auth,
            self.timeout,
            self._fixed,
            self._verify,
            self.cert,
            self.max_redirects,
            self.retries,
            self.limits,
        )
        known, options = self._merged
        try:
            if known == key:
                return options
            hash(key)
        except Exception:  # arrays cannot be compared plainly; a list may change and still be equal to itself
            key = None
        options = self._merge(*given)
        _note(self, "_merged", (key, options))
        return options

    def _merge(
        self,
        auth: Any,
        timeout: Any,
        allow_redirects: bool,
        stream: bool | None,
        verify: Any,
        cert: Any,
        retries: Any,
        cache: Any,
        proxies: Proxies | None,
    ) -> Options:
        mode, caching = self._of_call(cache)
        return Options(
            timeout=timeout_from(self.timeout if timeout is NOT_GIVEN else timeout),
            allow_redirects=bool(allow_redirects),
            max_redirects=checked_count("max_redirects", self.max_redirects),
            auth=auth_from(self.auth if auth is None else auth, on_loop=not self._blocking),
            tls=tls_from(self._verify if verify is None else verify, self.cert if cert is None else cert),
            reach=self._reach,
            stream=self._fixed.stream if stream is None else bool(stream),
            retries=retries_from(self.retries if retries is None else retries),
            cache=mode,
            caching=caching,
            session_timeout=None if timeout is NOT_GIVEN else timeout_from(self.timeout),
            limits=checked_limits(self.limits),
            strict_accept=self._fixed.strict_accept,
            raise_for_status=self._fixed.raise_for_status,
            http2=self._fixed.http2,
            lenient_http1=self._fixed.lenient_http1,
            formats=self._fixed.formats,
            redirects=self._fixed.redirects,
            proxies=proxies,
        )


def _always() -> bool:
    return True


def _warn_insecure(url: URL, options: Options) -> None:
    import warnings

    host = url.host
    if url.scheme != "https":
        proxy = proxy_for(options.proxies, url) if options.proxies is not None else None
        if proxy is None or proxy.scheme != "https":
            return  # no certificate on the way
        host = proxy.host
    warnings.warn(
        f"Unverified HTTPS request is being made to host '{host}'. Adding certificate verification is advised.",
        insecure_category(),
        stacklevel=5,
    )
