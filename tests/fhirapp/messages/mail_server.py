"""A mail server on this machine: speaks SMTP with STARTTLS or TLS, keeps what it gets, refuses what it is told to."""

from __future__ import annotations

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


@dataclass
class Inbox:
    """What arrived, and how the server behaves."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)  # by command, or by recipient: the answer
    hang_up_after_data: bool = False


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's TLS for 127.0.0.1, and that of a client which trusts it alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.example")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )  # fmt: skip
    path = folder / "mail.pem"
    pem = built.public_bytes(Encoding.PEM)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return server, ssl.create_default_context(cadata=pem.decode())


class _Conversation(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.inbox: Inbox = self.server.inbox  # type: ignore[attr-defined]
        self.tls, self.rcpt = False, ""
        if self.server.at_once:  # type: ignore[attr-defined]
            self._encrypt()
        self._say("220 mail.example")
        while line := self.rfile.readline():
            word, _, rest = line.decode().strip().partition(" ")
            if not self._answer(word.upper(), rest):
                return

    def _encrypt(self) -> None:
        self.connection = self.server.context.wrap_socket(self.connection, server_side=True)  # type: ignore[attr-defined]
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)  # type: ignore[assignment]
        self.tls = True

    def _say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")

    def _answer(self, word: str, rest: str) -> bool:
        refused = self.inbox.refuse.get(word) or (word == "RCPT" and self.inbox.refuse.get(rest[4:-1]))
        if refused:
            self._say(refused)
        elif word == "EHLO":
            self._say("250-mail.example")
            self._say("250 AUTH PLAIN" if self.tls else "250 STARTTLS")
        elif word == "STARTTLS":
            self._say("220 go on")
            self._encrypt()
        elif word == "AUTH":
            self.inbox.logins.append(rest)
            self._say("235 welcome")
        elif word == "DATA":
            return self._take()
        else:
            self._say("250 ok")
        return word != "QUIT"

    def _take(self) -> bool:
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b"."))
        self.inbox.mails.append(message_from_bytes(b"".join(lines), policy=policy.default))
        self.inbox.encrypted.append(self.tls)
        if self.inbox.hang_up_after_data:
            return False
        self._say("250 taken")
        return True


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True


@contextmanager
def mail_server(context: ssl.SSLContext | None = None, *, at_once: bool = False) -> Iterator[Inbox]:
    """A running server; `at_once`: TLS from the first byte."""
    server: Any = _Server(("127.0.0.1", 0), _Conversation)
    server.inbox, server.context, server.at_once = Inbox(server.server_address[1]), context, at_once
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.inbox
    finally:
        server.shutdown()
        server.server_close()
