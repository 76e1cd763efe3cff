"""Asking the origin about stored responses, and what its answer does to them; never the sending.

Source: RFC 9111 sections 3.2, 3.4, 4.3.1, 4.3.3, 4.3.4 and 4.3.5; RFC 9110 section 9.3.3.
"""

from collections.abc import Sequence
from math import inf, nextafter

from .._model.decision import AskAgain, Asking, Complete, Form, Forward, Freshen, Outcome, Pass, Revalidate, Store
from .._model.headers import Fields, Line
from .._model.message import Head
from .._model.policy import DEFAULT_POLICY, CachePolicy
from .._model.request import Request
from .._model.scope import Scope
from .._model.stored import Key, Part, Stored
from .directives import directives_of
from .ranges import Union, is_whole, union_of
from .selection import newest
from .storing import answers_later_gets, forbids_storing, part_of, record_of, record_or_refusal, storable_fields

_OF_THE_BYTES_HELD = frozenset(("content-encoding", "content-length", "content-range"))

_METHOD = Pass("only answers to GET are stored", "RFC 9111 section 3")
_SERVER_ERROR = Pass("a server error leaves what is stored alone", "RFC 9111 section 4.3.3")
_LEARNED = Pass("it is about what is stored already", "RFC 9111 section 4.3.4")
_UNASKED_PART = Pass("it is a part that nobody asked for", "RFC 9111 section 3.3")
_ASK_AGAIN = AskAgain()
