"""A small HTTP load generator: keep-alive connections, one request after another on each, raw sockets."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class Load:
    """What came of one round."""

    seconds: float
    milliseconds: list[float] = field(default_factory=list)  # sorted
    bad: int = 0

    @property
    def per_second(self) -> float:
        return len(self.milliseconds) / self.seconds

    def percentile(self, share: float) -> float:
        """The time within which this share of the calls was answered."""
        return self.milliseconds[min(len(self.milliseconds) - 1, int(len(self.milliseconds) * share))]


def fire(port: int, requests: Callable[[], bytes], connections: int, seconds: float) -> Load:
    """Keep so many connections busy for so long."""
    load, lock, stop = Load(seconds), threading.Lock(), time.perf_counter() + seconds

    def work() -> None:
        times, bad = [], 0
        with socket.create_connection(("127.0.0.1", port), timeout=60) as link:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while time.perf_counter() < stop:
                body = requests()
                begun = time.perf_counter()
                link.sendall(body)
                status = answer(link)[0]
                times.append((time.perf_counter() - begun) * 1000)
                bad += status != 200
        with lock:
            load.milliseconds += times
            load.bad += bad

    began = time.perf_counter()
    threads = [threading.Thread(target=work) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    load.seconds = time.perf_counter() - began
    load.milliseconds.sort()
    return load


def answer(link: socket.socket) -> tuple[int, bytes]:
    """Status and body of one response with a Content-Length."""
    got = b""
    while b"\r\n\r\n" not in got:
        part = link.recv(65536)
        if not part:
            raise ConnectionError("the service closed the connection")
        got += part
    head, _, body = got.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in lines[1:] if b": " in line)
    missing = int(fields.get(b"content-length", b"0")) - len(body)
    while missing > 0:
        part = link.recv(min(missing, 65536))
        if not part:
            raise ConnectionError("the service closed the connection")
        body += part
        missing -= len(part)
    return int(lines[0].split()[1]), body


def request_bytes(path: str, port: int, body: bytes, header: str = "") -> bytes:
    """One POST, ready for the wire."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Type: application/json\r\n{header}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def in_turn(ready: list[bytes]) -> Callable[[], bytes]:
    """Hands out prepared requests to all threads, from the start again when they are used up."""
    supply: Iterator[bytes] = itertools.cycle(ready)
    lock = threading.Lock()

    def take() -> bytes:
        with lock:
            return next(supply)

    return take
