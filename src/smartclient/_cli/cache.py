"""`smartclient cache`: what is stored on disk, and having it checked or forgotten."""

import argparse
import time
from typing import TYPE_CHECKING, Any

from .exits import NO, OK, USAGE, Fault
from .flags import Parser
from .masks import is_secret_field, masked, masked_value
from .report import Report, add_report_flags, report_parser
from .timing import size_text

if TYPE_CHECKING:
    from .._api.cache_view import CacheEntry, SessionCache

_ACTIONS = ("list", "stat", "show", "purge", "clear", "verify")


def parser(command: str) -> Parser:
    """The flags of `cache`."""
    parser = report_parser(
        command,
        "Looks after the store on disk, which Python shares as Cache.default().\n\n"
        "  list          what is stored, with age and state; the most recently used last\n"
        "  stat          how much is stored, and how often it was of use\n"
        "  show URL      the stored responses of one URL, with their heads\n"
        "  purge URL     forgets one URL; or what --prefix or --origin covers\n"
        "  clear         forgets everything\n"
        "  verify        reads every record and body; exit code 1 when one was damaged, which is dropped",
        "list",
        "show https://api.example/users/7",
        "purge --prefix https://api.example/users/",
    )
    parser.add_argument("action", metavar="ACTION", choices=_ACTIONS, help=", ".join(_ACTIONS))
    parser.add_argument("url", metavar="URL", nargs="?", help="for show and purge")
    add = parser.add_argument_group("store").add_argument
    add("--prefix", metavar="URL", help="purge what begins so")
    add("--origin", metavar="URL", help="purge what is of this scheme, host and port")
    add("--cache", metavar="DIR", help="the store there, not that in the user's cache folder")
    add_report_flags(parser, calls=False)
    return parser


def run(command: str, arguments: argparse.Namespace) -> int:
    """Does one of the actions; 1 when `show` or `verify` has bad news."""
    from .. import Session
    from .._api.cache import Cache, cache_at

    _check_words(arguments)
    store = Cache.default() if arguments.cache is None else cache_at(arguments.cache)
    with Session(cache=store) as session:
        view: Any = session.cache
        record, code = _done(arguments, view)
        report = Report(arguments.color)
        if arguments.json_out:
            report.json({"v": 1, **record, "exit": code})
        else:
            _TELL[arguments.action](report, record, arguments)
    return code


def _check_words(arguments: argparse.Namespace) -> None:
    scopes = [value for value in (arguments.url, arguments.prefix, arguments.origin) if value is not None]
    wanted = {"show": 1, "purge": 1}.get(arguments.action, 0)
    if len(scopes) != wanted or (arguments.action == "show" and arguments.url is None):
        needs = {"show": "a URL", "purge": "a URL, or --prefix, or --origin"}
        raise Fault(USAGE, f"cache {arguments.action} takes {needs.get(arguments.action, 'no URL')}")


def _done(arguments: argparse.Namespace, cache: "SessionCache") -> tuple[dict[str, Any], int]:
    action = arguments.action
    if action == "list":
        return {"entries": [_entry(each, arguments) for each in cache.entries()]}, OK
    if action == "show":
        from .._model.url import URL

        url = URL.parse(arguments.url).without_fragment
        found = [_entry(each, arguments, heads=True) for each in cache.entries() if each.url == url]
        return {"entries": found}, OK if found else NO
    if action == "verify":
        checked, damaged = cache.verify()
        return {"checked": checked, "damaged": damaged}, NO if damaged else OK
    if action == "stat":
        return cache.stats()._asdict() | {"store": repr(cache.of)}, OK
    if action == "clear":
        return {"dropped": cache.clear()}, OK
    return {"dropped": cache.purge(arguments.url, prefix=arguments.prefix, origin=arguments.origin)}, OK


def _entry(entry: "CacheEntry", arguments: argparse.Namespace, *, heads: bool = False) -> dict[str, Any]:
    secrets = arguments.show_secrets
    record: dict[str, Any] = {
        "url": entry.url if secrets else masked(entry.url),
        "status": entry.status,
        "size": entry.size,
        "age": entry.age,
        "ttl": entry.ttl,
        "fresh": entry.fresh,
        "received": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(entry.received_at)),
        "etag": entry.etag,
        "last_modified": entry.last_modified,
        "vary": entry.vary,
        "personal": entry.personal,
    }
    if heads:
        record["reason"] = entry.reason
        record["headers"] = [[name, value if secrets else masked_value(name, value)] for name, value in entry.fields]
        record["compared"] = [
            [name, "***" if value and is_secret_field(name) and not secrets else value]
            for name, value in entry.compared
        ]
    return record


def _state(entry: dict[str, Any]) -> tuple[str, str]:
    if entry["fresh"]:
        return "good", f"fresh {duration(entry['ttl'])}"
    return "doubt", f"stale {duration(-entry['ttl'])}"


def duration(seconds: int) -> str:
    """Seconds as the largest unit that fits: 59 s, 12 min, 3 h, 9 d."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{max(0, seconds)} s"


def _tell_list(report: Report, record: dict[str, Any], arguments: argparse.Namespace) -> None:
    for entry in record["entries"]:
        kind, state = _state(entry)
        mine = " *" if entry["personal"] else "  "
        line = (
            f"  {entry['status']}  {size_text(entry['size']):>8}  age {duration(entry['age']):<7}{mine} {entry['url']}"
        )
        report.line((kind, f"{state:<13}"), line)
    if any(entry["personal"] for entry in record["entries"]):
        report.line("* answers to credentials: for nobody else")
    if not record["entries"]:
        report.line("nothing is stored")


def _tell_stat(report: Report, record: dict[str, Any], arguments: argparse.Namespace) -> None:
    report.row("store", record["store"])
    report.row("responses", str(record["items"]))
    report.row("size", size_text(record["size"]))
    report.row("evicted", str(record["evicted"]))
    if record["hits"] is not None:
        report.row("hit rate", _hit_rate(record["hits"], record["misses"]))
    if record["errors"]:
        report.row("errors", ("bad", str(record["errors"])))


def _hit_rate(hits: int, misses: int) -> str:
    asked = hits + misses
    share = f"{100 * hits / asked:.0f} %, " if asked else ""
    return f"{share}{hits} served, {misses} not there"


def _tell_show(report: Report, record: dict[str, Any], arguments: argparse.Namespace) -> None:
    if not record["entries"]:
        report.line("nothing is stored for this URL")
    for number, entry in enumerate(record["entries"], 1):
        facts = f", age {duration(entry['age'])}, received {entry['received']}, {size_text(entry['size'])}"
        report.line(f"variant {number} of {len(record['entries'])}   ", _state(entry), facts)
        for name, value in entry["compared"]:
            report.line(f"  for {name}: {'(not sent)' if value is None else value}")
        if entry["personal"]:
            report.line("  for the credentials that it was asked with, and nobody else")
        report.line(f"  {entry['status']} {entry['reason']}")
        for name, value in entry["headers"]:
            report.line("  ", ("name", name), f": {value}")


def _tell_dropped(report: Report, record: dict[str, Any], arguments: argparse.Namespace) -> None:
    report.line(f"forgotten: {record['dropped']} response{'' if record['dropped'] == 1 else 's'}")


def _tell_verified(report: Report, record: dict[str, Any], arguments: argparse.Namespace) -> None:
    damaged = record["damaged"]
    verdict = ("bad", f"{damaged} damaged, dropped") if damaged else ("good", "all whole")
    report.line(f"checked: {record['checked']}; ", verdict)


_TELL = {
    "list": _tell_list,
    "stat": _tell_stat,
    "show": _tell_show,
    "purge": _tell_dropped,
    "clear": _tell_dropped,
    "verify": _tell_verified,
}
