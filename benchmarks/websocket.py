"""100 000 messages to a WebSocket server that echoes them: every answer is compared; microseconds per message.

`python benchmarks/websocket.py --messages 100000` runs a blocking session, then asyncio and trio.
"""

import argparse
import asyncio
import sys
import threading
import time

import trio
from websockets.sync.server import serve

import smartclient


def blocking(url: str, messages: int) -> None:
    with smartclient.Session() as session, session.websocket(url) as socket:
        for n in range(messages):
            socket.send(f"message {n}")
            assert socket.receive(10) == f"message {n}"


async def awaited(url: str, messages: int) -> None:
    async with smartclient.AsyncSession() as session, session.websocket(url) as socket:
        for n in range(messages):
            await socket.send(f"message {n}")
            assert await socket.receive(10) == f"message {n}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Echo messages over a WebSocket.")
    parser.add_argument("--messages", type=int, default=100_000)
    messages = parser.parse_args().messages
    with serve(lambda socket: [socket.send(message) for message in socket], "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}/"
        for name, talk in (
            ("blocking", lambda: blocking(url, messages)),
            ("asyncio", lambda: asyncio.run(awaited(url, messages))),
            ("trio", lambda: trio.run(awaited, url, messages)),
        ):
            started = time.perf_counter()
            talk()
            seconds = time.perf_counter() - started
            print(f"{name:9} {messages} messages, all right, {seconds / messages * 1e6:.0f} us each, server included")
        server.shutdown()
        thread.join()
    return 0


if __name__ == "__main__":
    sys.exit(main())
