"""Responses on the wire, valid and damaged, from a seed: the same seed gives the same bytes on every machine."""

import random
from collections.abc import Iterator

_STATUS_LINES = (
    *(b"HTTP/1.1 200 OK",) * 40,
    *(b"HTTP/1.0 200 OK", b"HTTP/1.1 404 Not Found", b"HTTP/1.1 200 ", b"HTTP/1.1 200", b"HTTP/1.1 500 \xe9"),
    *(b"HTTP/1.1 204 No Content", b"HTTP/1.1 304 Not Modified", b"HTTP/1.1 206 Partial Content", b"HTTP/1.1 999 x"),
    *(
        b"HTTP/1.1 099 x",
        b"HTTP/1.1 2000 OK",
        b"HTTP/1.2 200 OK",
        b"HTTP/2.0 200 OK",
        b"http/1.1 200 OK",
        b"ICY 200 OK",
    ),
    *(b"HTTP/1.1  200 OK", b"HTTP/1.1 200  OK", b"HTTP/01.1 200 OK", b"HTTP/1.1 101 Switching"),
)
_INTERIMS = (
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
    b"HTTP/1.0 102\r\n\r\n",
)
_PLAIN_LINES = (
    *(b"Server: a", b"X-G: h") * 8,
    *(b"X-A:b", b"x-b: c d", b"Set-Cookie: a=1", b"Set-Cookie: b=2", b"X-Empty:", b"X-C: \tq\t "),
    *(b"X-D: \xe9", b"Date: Sun, 06 Nov 1994 08:49:37 GMT", b"Connection: close", b"Connection: keep-alive"),
    *(b"Keep-Alive: timeout=5", b"X-E: a\r\n folded", b"X-F: a\r\n\tfolded", b"Upgrade: h2c", b"Connection: Upgrade"),
)
_LENGTHS = (
    *(b"Content-Length: %d",) * 20,
    *(b"content-length:%d", b"Content-Length: %d, %d", b"Content-Length: %d,%d", b"Content-Length: +%d"),
    *(b"Content-Length: 0%d", b"Content-Length: %d ", b"Content-Length: -%d", b"Content-Length: %d.0"),
    *(b"Content-Length: 0x%d", b"Content-Length: 1%d", b"Content-Length: %d\r\nContent-Length: %d", b"Content-Length:"),
    *(b"Content-Length: %d, 7", b"Content-Length: %d\r\nContent-Length: 7", b"Content-Length : %d"),
    *(b"Content-Length: 00000000000000000000%d", b"Content-Length: 99999999999999999999%d"),
)
_CODINGS = (
    *(b"Transfer-Encoding: chunked",) * 40,
    *(b"transfer-encoding:Chunked", b"Transfer-Encoding: chunked ", b"Transfer-Encoding: gzip, chunked"),
    *(b"Transfer-Encoding: chunked, chunked", b"Transfer-Encoding: chunked, gzip", b"Transfer-Encoding: identity"),
    *(
        b"Transfer-Encoding: chunkedx",
        b"Transfer-Encoding: xchunked",
        b"Transfer-Encoding:",
        b"Transfer-Encoding: gzip",
    ),
    *(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", b"Transfer-Encoding: ,chunked"),
    *(b"Transfer-Encoding: chunked;a=b", b"Transfer-Encoding: \x0bchunked", b"Transfer-Encoding : chunked"),
    *(b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked", b'Transfer-Encoding: "chunked"'),
)
_EXTENSIONS = (*(b"",) * 60, b";a", b";a=b", b' ;a="b"', b";", b"; a = b", b" ", b"\t", b';a="\r"', b";a=\x01", b" a")
_TRAILERS = (*(b"",) * 12, b"X-T: 1\r\n", b"Content-Length: 3\r\n", b"X-T: 1\r\n folded\r\n", b"X T: 1\r\n", b"X-T\r\n")
_BYTES = b'\r\n\0 \t:;,"=-+0129aAfFgxX\x0b\x0c\x7f\x80\xff{}()/'
_PIECES = (
    b"\r\n",
    b"\n",
    b"\r",
    b"\r\r\n",
    b"\n\n",
    b"\r\n\r\n",
    b" ",
    b"\t",
    b": ",
    b", ",
    b"0\r\n\r\n",
    b"0",
    b"\r\n ",
)


def sample(seed: int) -> bytes:
    """One response; every third is left as it was built, the others lose, get or change up to three bytes or pieces."""
    chance = random.Random(seed)
    wire = bytearray(_response(chance))
    if seed % 3:
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            _damage(chance, wire)
    return bytes(wire)


def samples(first: int, count: int) -> Iterator[bytes]:
    """`count` samples from the seed `first` on."""
    return map(sample, range(first, first + count))


def _response(chance: random.Random) -> bytes:
    content = bytes(chance.choices(b"abc019\r\n :", k=chance.choice((0, 1, 3, 5, 16, 40))))
    lines = chance.choices(_PLAIN_LINES, k=chance.randrange(4))
    framing = chance.random()
    body = content
    if framing < 0.45:
        length = chance.choice(_LENGTHS)
        lines.append(length.replace(b"%d", b"%d" % len(content)))
    elif framing < 0.9:
        lines.append(chance.choice(_CODINGS))
        body = _chunked(chance, content)
        if chance.random() < 0.1:
            lines.append(b"Content-Length: %d" % len(body))
    chance.shuffle(lines)
    head = b"\r\n".join([chance.choice(_STATUS_LINES), *lines, b"", b""])
    before = chance.choice(_INTERIMS) if chance.random() < 0.08 else b"\r\n" if chance.random() < 0.04 else b""
    after = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" if chance.random() < 0.2 else b""
    return before + head + body + after


def _chunked(chance: random.Random, content: bytes) -> bytes:
    wire = b""
    while content:
        size = chance.randint(1, len(content))
        spelled = chance.choice((*(b"%x",) * 20, b"%X", b"0%x", b"000000000000000%x")) % size
        wire += spelled + chance.choice(_EXTENSIONS) + b"\r\n" + content[:size] + b"\r\n"
        content = content[size:]
    return (
        wire
        + chance.choice((b"0", b"0", b"0", b"000"))
        + chance.choice(_EXTENSIONS)
        + b"\r\n"
        + (chance.choice(_TRAILERS) + b"\r\n")
    )


def _damage(chance: random.Random, wire: bytearray) -> None:
    """One change in place."""
    at = chance.randrange(len(wire) + 1)
    kind = chance.randrange(6)
    if kind == 0:
        wire[at : at + 1] = bytes([chance.choice(_BYTES)])
    elif kind == 1:
        wire[at:at] = bytes([chance.choice(_BYTES)])
    elif kind == 2:
        wire[at:at] = chance.choice(_PIECES)
    elif kind == 3:
        del wire[at : at + chance.choice((1, 1, 1, 2, 5))]
    elif kind == 4:
        wire[at:at] = wire[at : at + chance.randint(1, 12)]
    else:
        end = wire.find(b"\r\n", at)
        if end >= 0:
            wire[end : end + 2] = chance.choice(_PIECES)
    if not wire:
        wire += b"\r\n"
