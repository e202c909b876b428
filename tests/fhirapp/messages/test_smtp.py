"""E-mail, against a real SMTP server with real TLS."""

from __future__ import annotations

import ssl
from socket import socket

import pytest

from fhirapp.messages.errors import SendFailed
from fhirapp.messages.message import Message
from fhirapp.messages.smtp import Smtp
from tests.fhirapp.messages.mail_server import Inbox, certificate, mail_server

BODY = "Guten Tag,\n\nwir möchten Sie etwas fragen.\n.\nEine Zeile nach dem Punkt."


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    return certificate(tmp_path_factory.mktemp("tls"))


def a_message(address: str = "ada@example.org", key: str = "notice/1") -> Message:
    return Message(address, "Krankenhaus: ein Angebot für Sie", BODY, "de", key)


def smtp(inbox: Inbox, security: str, context: ssl.SSLContext | None = None, **more: str) -> Smtp:
    return Smtp("127.0.0.1", inbox.port, security, "exercise@example.org", "City Hospital", context=context, **more)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_mail_arrives_over_tls_with_its_words_whole(
    security: str, tls: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    server, client = tls
    with mail_server(server, at_once=security == "tls") as inbox:
        sender = smtp(inbox, security, client, user="stride", password="a secret")
        message_id = sender.send(a_message())
    (mail,) = inbox.mails
    assert inbox.encrypted == [True]
    assert len(inbox.logins) == 1
    assert mail["Message-ID"] == message_id
    assert (mail["To"], mail["Subject"]) == ("ada@example.org", "Krankenhaus: ein Angebot für Sie")
    assert mail["From"] == "City Hospital <exercise@example.org>"
    assert mail.get_content().replace("\r\n", "\n").strip() == BODY


def test_a_server_that_we_do_not_trust_gets_nothing(tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    with mail_server(tls[0]) as inbox, pytest.raises(SendFailed) as failed:
        smtp(inbox, "starttls").send(a_message())
    assert (failed.value.permanent, failed.value.doubtful) == (False, False)
    assert inbox.mails == []


def test_a_server_without_tls_gets_nothing_where_tls_is_asked_for() -> None:
    with mail_server() as inbox:
        inbox.refuse["STARTTLS"] = "502 no"
        with pytest.raises(SendFailed):
            smtp(inbox, "starttls").send(a_message())
    assert inbox.mails == []


@pytest.mark.parametrize(
    ("where", "answer", "permanent"),
    [
        ("ada@example.org", "550 no such person", True),
        ("ada@example.org", "450 mailbox busy", False),
        ("MAIL", "421 too busy", False),
        ("DATA", "554 not wanted", True),
    ],
    ids=["no such person", "mailbox busy", "server busy", "content refused"],
)
def test_a_refusal_says_whether_another_try_can_help(where: str, answer: str, permanent: bool) -> None:
    with mail_server() as inbox:
        inbox.refuse[where] = answer
        with pytest.raises(SendFailed) as failed:
            smtp(inbox, "none").send(a_message())
    assert (failed.value.permanent, failed.value.doubtful) == (permanent, False)
    assert "ada" not in str(failed.value)


def test_a_line_that_goes_dead_after_the_last_word_leaves_a_doubt() -> None:
    with mail_server() as inbox:
        inbox.hang_up_after_data = True
        with pytest.raises(SendFailed) as failed:
            smtp(inbox, "none").send(a_message())
    assert failed.value.doubtful
    assert len(inbox.mails) == 1, "it had been taken: to send it again would be a second one"


def test_nobody_there_is_worth_another_try() -> None:
    with socket() as silent:  # a port that is taken, and at which nobody listens
        silent.bind(("127.0.0.1", 0))
        with pytest.raises(SendFailed) as failed:
            smtp(Inbox(silent.getsockname()[1]), "none").send(a_message())
    assert (failed.value.permanent, failed.value.doubtful) == (False, False)


@pytest.mark.parametrize("address", ["ada@example.org\nBcc: all@example.org", "ädä@example.org"])
def test_what_is_no_address_is_never_tried_again(address: str) -> None:
    with mail_server() as inbox, pytest.raises(SendFailed) as failed:
        smtp(inbox, "none").send(a_message(address))
    assert failed.value.permanent
    assert inbox.mails == []


def test_the_same_message_has_the_same_id_each_time() -> None:
    with mail_server() as inbox:
        first, again, other = (smtp(inbox, "none").send(a_message(key=key)) for key in ("a", "a", "b"))
    assert first == again != other
