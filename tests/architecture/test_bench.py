"""The measuring tools measure what they say."""

from __future__ import annotations

import socket
import threading

from bench.load import Load, answer, fire, in_turn, request_bytes

RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello"


def test_an_answer_is_read_whole_however_it_is_cut() -> None:
    ours, theirs = socket.socketpair()
    for cut in range(1, len(RESPONSE)):
        theirs.sendall(RESPONSE[:cut])
        threading.Timer(0.001, theirs.sendall, [RESPONSE[cut:]]).start()
        assert answer(ours) == (200, b"hello")


def test_every_connection_is_kept_busy_and_refusals_are_counted() -> None:
    server = socket.create_server(("127.0.0.1", 0))
    seen: list[bytes] = []

    def serve(link: socket.socket) -> None:
        while asked := link.recv(65536):
            seen.append(asked)
            link.sendall(RESPONSE if asked.endswith(b"good") else RESPONSE.replace(b"200", b"401"))

    def accept() -> None:
        for _ in range(2):
            threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    port = server.getsockname()[1]
    load = fire(port, in_turn([request_bytes("/p", port, body) for body in (b"good", b"bad!")]), 2, 0.2)
    server.close()
    assert len(load.milliseconds) == len(seen) > 10
    assert abs(load.bad - len(seen) / 2) <= 2


def test_percentiles_are_of_the_sorted_times() -> None:
    load = Load(2.0, [float(number) for number in range(1, 101)])
    assert (load.per_second, load.percentile(0.5), load.percentile(0.99), load.percentile(1)) == (50, 51, 100, 100)
