"""Small functions that programs import from `requests.utils`; each is a few lines over the house's own."""

import codecs
import contextlib
import io
import os
import re
import warnings
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlparse

from ._api.cookie_forms import create_cookie
from ._api.settings import default_headers
from ._api.url_texts import (
    UNRESERVED_SET,
    address_in_network,
    dotted_netmask,
    get_auth_from_url,
    get_environ_proxies,
    get_netrc_auth,
    is_ipv4_address,
    is_valid_cidr,
    prepend_scheme_if_needed,
    requote_uri,
    resolve_proxies,
    select_proxy,
    set_environ,
    should_bypass_proxies,
    unquote_unreserved,
    urldefragauth,
)
from ._model.errors import FileModeWarning, InvalidHeader, UnrewindableBodyError
from ._model.fields import parse_list, parse_media_type, unquoted
from ._model.headers import checked_name, checked_value
from ._model.url import DEFAULT_PORTS as _PORTS
from ._version import __version__
from .certs import where
from .compat import getproxies, proxy_bypass
from .cookies import cookiejar_from_dict
from .structures import CaseInsensitiveDict

DEFAULT_CA_BUNDLE_PATH = where()
DEFAULT_PORTS = dict(_PORTS)
DEFAULT_ACCEPT_ENCODING = default_headers()["Accept-Encoding"]
NETRC_FILES = (".netrc", "_netrc")


def default_user_agent(name: str = "smartclient") -> str:
    """The User-Agent field: `name` and our version."""
    return f"{name}/{__version__}"


# Cookies


def dict_from_cookiejar(cj: Iterable[Any]) -> dict[str, Any]:
    """Names and values of a jar; of several cookies with one name the last."""
    return {cookie.name: cookie.value for cookie in cj}


def add_dict_to_cookiejar(cj: Any, cookie_dict: Mapping[str, Any]) -> Any:
    """`cj` with the names and values of a mapping added."""
    for name, value in cookie_dict.items():
        cj.set_cookie(create_cookie(name, value))
    return cj


# Fields and text


def get_encoding_from_headers(headers: Mapping[str, str]) -> str | None:
    """The charset that Content-Type names; ISO-8859-1 for other text, UTF-8 for JSON, None for the rest."""
    name, parameters = _parse_content_type_header(headers.get("content-type") or "")
    if "charset" in parameters:
        return parameters["charset"].strip("'\"")
    return "ISO-8859-1" if "text" in name else "utf-8" if name == "application/json" else None


def _parse_content_type_header(header: str) -> tuple[str, dict[str, str]]:
    """The media type and its parameters, as programs that outlived the module cgi borrow it from requests."""
    parsed = parse_media_type(header)
    return parsed.name, dict(parsed.parameters)


def get_encodings_from_content(content: str) -> list[str]:
    """The encodings that HTML or XML declares: of `meta charset`, of `http-equiv` fields, of the XML declaration."""
    _warn_deprecated("get_encodings_from_content")
    patterns = (
        r"<meta.*?charset=[\"']*(.+?)[\"'>]",
        r"<meta.*?content=[\"']*;?charset=(.+?)[\"'>]",
        r"^<\?xml.*?encoding=[\"']*(.+?)[\"'>]",
    )
    return [found for pattern in patterns for found in re.findall(pattern, content, re.IGNORECASE)]


def get_unicode_from_response(r: Any) -> Any:
    """The text of a response, by its charset, else with replacements."""
    _warn_deprecated("get_unicode_from_response")
    encoding = get_encoding_from_headers(r.headers)
    if encoding:
        with contextlib.suppress(UnicodeError, LookupError):
            return str(r.content, encoding)
    try:
        return str(r.content, encoding, errors="replace")  # type: ignore[arg-type]  # no encoding: caught
    except (TypeError, LookupError):
        return r.content


def stream_decode_response_unicode(iterator: Iterable[bytes], r: Any) -> Iterator[Any]:
    """The pieces of `iterator` as text in `r.encoding`, as they are where it has none."""
    if r.encoding is None:
        yield from iterator
        return
    decoder = codecs.getincrementaldecoder(r.encoding)(errors="replace")
    for piece in iterator:
        text = decoder.decode(piece)
        if text:
            yield text
    text = decoder.decode(b"", final=True)
    if text:
        yield text


def guess_json_utf(data: bytes) -> str | None:
    """The encoding of JSON by its first bytes (RFC 8259 section 8.1, RFC 4627 section 3); None for no JSON."""
    start = data[:4]
    if start in (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE):
        return "utf-32"
    if start[:3] == codecs.BOM_UTF8:
        return "utf-8-sig"
    if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    zeros = tuple(place for place, byte in enumerate(start) if byte == 0)
    by_zeros = {(): "utf-8", (0, 2): "utf-16-be", (1, 3): "utf-16-le", (0, 1, 2): "utf-32-be", (1, 2, 3): "utf-32-le"}
    return by_zeros.get(zeros)


def parse_header_links(value: str) -> list[dict[str, str]]:
    """The links of a Link field, each with "url" and its parameters."""
    links: list[dict[str, str]] = []
    for text in re.split(", *<", value.strip(" '\"")) if value.strip(" '\"") else ():
        url, _, parameters = text.partition(";")
        link = {"url": url.strip("<> '\"")}
        for parameter in parameters.split(";"):
            name, equals, content = parameter.partition("=")
            if not equals:
                break
            link[name.strip(" '\"")] = content.split("=")[0].strip(" '\"")
        links.append(link)
    return links


def parse_list_header(value: str) -> list[str]:
    """The members of a list in a field, without their quotes."""
    return [unquote_header_value(member) for member in parse_list(value)]


def parse_dict_header(value: str) -> dict[str, str | None]:
    """The name=value members of a list in a field; None where there is no value."""
    found: dict[str, str | None] = {}
    for member in parse_list(value):
        name, equals, content = member.partition("=")
        found[name if equals else unquote_header_value(name)] = unquote_header_value(content) if equals else None
    return found


def unquote_header_value(value: str, is_filename: bool = False) -> str:
    """What a quoted string says; with `is_filename` a path of Windows (\\\\server\\share) is left alone."""
    if value[:1] == value[-1:] == '"' and len(value) > 1:
        inner = value[1:-1]
        return inner if is_filename and inner.startswith("\\\\") else unquoted(value)
    return value


def check_header_validity(header: tuple[Any, Any]) -> None:
    """Raises InvalidHeader when a field, (name, value), cannot be sent."""
    name, value = header
    for part in (name, value):
        if not isinstance(part, str | bytes):
            raise InvalidHeader(
                f"Header part ({part!r}) from {{{name!r}: {value!r}}} must be of type str or bytes, not {type(part)}"
            )
    if (name[:1] if isinstance(name, str) else name[:1].decode("latin-1")).isspace():
        raise InvalidHeader(f"Invalid leading whitespace in header name: {name!r}")
    checked_value(checked_name(name), value)


def to_native_string(string: str | bytes, encoding: str = "ascii") -> str:
    """`string` as str."""
    return string if isinstance(string, str) else string.decode(encoding)


# Values and bodies


def from_key_val_list(value: Any) -> Any:
    """A mapping or pairs as an OrderedDict; None for None.

    Raises:
        ValueError: neither of them.
    """
    if value is None:
        return None
    _refuse_scalars(value)
    return OrderedDict(value)


def to_key_val_list(value: Any) -> Any:
    """A mapping or pairs as a list of pairs; None for None.

    Raises:
        ValueError: neither of them.
    """
    if value is None:
        return None
    _refuse_scalars(value)
    return list(value.items() if isinstance(value, Mapping) else value)


def dict_to_sequence(d: Any) -> Any:
    """The pairs of a mapping; anything else as it is."""
    return d.items() if hasattr(d, "items") else d


def _refuse_scalars(value: Any) -> None:
    if isinstance(value, str | bytes | bool | int):
        raise ValueError("cannot encode objects that are not 2-tuples")


def iter_slices(string: Any, slice_length: int | None) -> Iterator[Any]:
    """`string` in pieces of `slice_length`; whole when that is None, 0 or less."""
    step = slice_length if slice_length and slice_length > 0 else max(1, len(string))
    return (string[start : start + step] for start in range(0, len(string), step))


def guess_filename(obj: Any) -> str | None:
    """The last part of a file's name; None for what has none, such as <stdin>."""
    name = getattr(obj, "name", None)
    if name and isinstance(name, str | bytes) and name[:1] not in ("<", b"<") and name[-1:] not in (">", b">"):
        return os.path.basename(name)  # type: ignore[return-value]  # bytes stay bytes, as in requests
    return None


def super_len(o: Any) -> int:
    """How many bytes are left to be read of a body: text, bytes, a file, or what has `len`."""
    total: int | None = None
    if isinstance(o, str):
        o = o.encode("utf-8")
    if hasattr(o, "__len__"):
        total = len(o)
    elif hasattr(o, "len"):
        total = o.len
    elif hasattr(o, "fileno"):
        with contextlib.suppress(io.UnsupportedOperation, AttributeError):
            total = os.fstat(o.fileno()).st_size
            if "b" not in getattr(o, "mode", "b"):
                warnings.warn(
                    "A file that is sent was opened in text mode: open it in binary mode, its length may differ.",
                    FileModeWarning,
                    stacklevel=2,
                )
    position = 0
    if hasattr(o, "tell"):
        try:
            position = o.tell()
        except OSError:  # no file that can be sought: nothing is known of what is left
            position = total or 0
        else:
            if total is None and hasattr(o, "seek"):
                with contextlib.suppress(OSError):
                    total = o.seek(0, os.SEEK_END) or o.tell()
                    o.seek(position or 0)
    return max(0, (total or 0) - position)


def rewind_body(prepared_request: Any) -> None:
    """Sets the body of a request back to where it was first read from.

    Raises:
        UnrewindableBodyError: it cannot be.
    """
    seek = getattr(prepared_request.body, "seek", None)
    position = getattr(prepared_request, "_body_position", None)
    if seek is None or not isinstance(position, int):
        raise UnrewindableBodyError("Unable to rewind request body for redirect.")
    try:
        seek(position)
    except OSError:
        raise UnrewindableBodyError("An error occurred when rewinding request body for redirect.") from None


def _warn_deprecated(name: str) -> None:
    warnings.warn(f"{name} is deprecated, as it is in requests.", DeprecationWarning, stacklevel=3)


__all__ = [
    "DEFAULT_ACCEPT_ENCODING",
    "DEFAULT_CA_BUNDLE_PATH",
    "DEFAULT_PORTS",
    "NETRC_FILES",
    "UNRESERVED_SET",
    "CaseInsensitiveDict",
    "add_dict_to_cookiejar",
    "address_in_network",
    "check_header_validity",
    "cookiejar_from_dict",
    "default_headers",
    "default_user_agent",
    "dict_from_cookiejar",
    "dotted_netmask",
    "from_key_val_list",
    "get_auth_from_url",
    "get_encoding_from_headers",
    "get_encodings_from_content",
    "get_environ_proxies",
    "get_netrc_auth",
    "get_unicode_from_response",
    "getproxies",
    "guess_filename",
    "guess_json_utf",
    "is_ipv4_address",
    "is_valid_cidr",
    "iter_slices",
    "parse_dict_header",
    "parse_header_links",
    "parse_list_header",
    "prepend_scheme_if_needed",
    "proxy_bypass",
    "quote",
    "requote_uri",
    "resolve_proxies",
    "rewind_body",
    "select_proxy",
    "set_environ",
    "should_bypass_proxies",
    "stream_decode_response_unicode",
    "super_len",
    "to_key_val_list",
    "to_native_string",
    "unquote",
    "unquote_header_value",
    "unquote_unreserved",
    "urldefragauth",
    "urlparse",
]
