"""The public suffix list, searched as text, against the package that takes it apart."""

import pytest
from publicsuffixlist import PSLFILE, PublicSuffixList

from smartclient._rules.suffixes import is_public_suffix

NAMES = [  # as the list's own tests have it: publicsuffix.org, test_psl.txt
    pytest.param("com", True, id="registry"),
    pytest.param("example.com", False, id="site"),
    pytest.param("co.uk", True, id="second-level"),
    pytest.param("example.co.uk", False, id="site-below-it"),
    pytest.param("unlisted", True, id="unlisted-registry"),
    pytest.param("example.unlisted", False, id="site-of-unlisted"),
    pytest.param("c.kobe.jp", True, id="wildcard"),
    pytest.param("b.c.kobe.jp", False, id="below-the-wildcard"),
    pytest.param("kobe.jp", True, id="parent-of-the-wildcard"),
    pytest.param("city.kobe.jp", False, id="exception"),
    pytest.param("www.ck", False, id="exception-of-a-registry"),
    pytest.param("any.ck", True, id="wildcard-of-a-registry"),
    pytest.param("github.io", True, id="private-part"),
    pytest.param("me.github.io", False, id="site-of-the-private-part"),
    pytest.param("xn--55qx5d.cn", True, id="a-labels"),
    pytest.param("xn--fiqs8s", True, id="registry-in-a-labels"),
    pytest.param("xn--.com", False, id="no-a-label"),
    pytest.param("xn--\x7f!.com", False, id="junk"),
    pytest.param("co.uk.", True, id="root-dot"),
    pytest.param("", True, id="nothing"),
    pytest.param("// ac", True, id="a-comment-is-no-rule"),
    pytest.param("a\nco.uk", False, id="line-end-within"),
]


@pytest.mark.parametrize(("name", "expected"), NAMES)
def test_names(name: str, expected: bool) -> None:
    assert is_public_suffix(name) is expected


def test_every_rule_is_read_as_the_package_reads_it() -> None:
    reference = PublicSuffixList()
    with open(PSLFILE, encoding="utf-8") as file:
        rules = [line.split()[0] for line in file if line.strip() and not line.startswith("//")]
    assert len(rules) > 9000
    differing = []
    for rule in rules[::40] + [rule for rule in rules if rule[0] in "!*" or not rule.isascii()][::4]:
        name = rule.lstrip("!").replace("*", "any").encode("idna").decode()
        for asked in (name, f"x.{name}", name.partition(".")[2] or name):
            if is_public_suffix(asked) is not reference.is_public(asked):
                differing.append(asked)
    assert differing == []
