"""`[tenants.NAME.messages]` and `.escalation`: read whole, or refused with the place that is wrong."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path

import pytest

from fhirapp.demo.settings import TENANT, tenants_toml
from fhirapp.ehr.connect import pooled_session
from fhirapp.messages.senders import CredentialMissing, Senders
from fhirapp.messages.smtp import Smtp
from fhirapp.tenants import Tenant, TenantsInvalid, read_tenants

BASE = tenants_toml("http://127.0.0.1:9", date(2027, 1, 31))
BASE = BASE.replace('[tenants.city.messages]\nchannels = ["outbox"]\n', "")
MESSAGES = """
[tenants.city.messages]
channels = ["email", "sms", "letter"]
quiet_from = "21:30"
quiet_to = "07:00"
sender_name = "City Hospital"
country = "44"
return_address = ["City Hospital", "1 High Street"]

[tenants.city.messages.smtp]
host = "mail.example.org"
sender = "exercise@example.org"
user = "stride"
password = "env:STRIDE_CREDENTIAL_SMTP"

[tenants.city.messages.sms]
url = "https://sms.example.org/send"
fields = { to = "{to}", text = "{text}" }
authorization = "env:STRIDE_CREDENTIAL_SMS"

[tenants.city.messages.replies]
secret = "file:/run/secrets/replies"

[[tenants.city.messages.reviewed]]
language = "de"
reviewer = "Dr Anna Weber"
on = 2026-11-01

[tenants.city.escalation]
on_call_pager = "oncology-1"
clinician_lead = { display = "Dr Lead", email = "lead@example.org" }
holidays = [2026-12-25, 2026-12-28]
"""


def read(tmp_path: Path, more: str) -> Tenant:
    path = tmp_path / "tenants.toml"
    path.write_text(BASE + more)
    return read_tenants(path)[TENANT]


def test_everything_is_read(tmp_path: Path) -> None:
    tenant = read(tmp_path, MESSAGES)
    messages, escalation = tenant.messages, tenant.escalation
    assert messages.channels == ("email", "sms", "letter")
    assert (messages.quiet_from, messages.quiet_to) == (time(21, 30), time(7))
    assert messages.smtp is not None
    assert (messages.smtp.port, messages.smtp.security) == (587, "starttls")
    assert messages.sms is not None
    assert messages.sms.fields == {"to": "{to}", "text": "{text}"}
    assert messages.has_reviewed("de-AT")
    assert messages.has_reviewed("en-GB")
    assert not messages.has_reviewed("pl")
    assert date(2026, 12, 25) in escalation.holidays
    assert escalation.clinician_lead is not None


def test_a_hospital_that_says_nothing_writes_letters(tmp_path: Path) -> None:
    assert read(tmp_path, "").messages.channels == ("letter",)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"env:STRIDE_CREDENTIAL_SMTP"', '"hunter2"', "no secret stands in this file"),
        ('host = "mail.example.org"', 'host = "mail.example.org"\nsecurity = "none"', "only over TLS"),
        ('"https://sms.example.org/send"', '"http://sms.example.org/send"', "only over https"),
        ('quiet_from = "21:30"', 'quiet_from = "9 pm"', "messages.quiet_from"),
        ('"email", "sms"', '"email", "pigeon"', "messages.channels"),
        ('reviewer = "Dr Anna Weber"', "", "messages.reviewed.0.reviewer"),
        ('country = "44"', 'country = "+44"', "messages.country"),
        ("holidays = [2026-12-25", 'holidays = ["Christmas"', "escalation.holidays"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in MESSAGES
    with pytest.raises(TenantsInvalid) as wrong:
        read(tmp_path, MESSAGES.replace(old, new))
    assert any(said in problem for problem in wrong.value.problems), wrong.value.problems


def test_drafts_by_system_action_need_the_ehrs_agreement(tmp_path: Path) -> None:
    text = BASE.replace('release = "standing-order"', 'release = "system-action"')
    path = tmp_path / "tenants.toml"
    path.write_text(text)
    with pytest.raises(TenantsInvalid) as wrong:
        read_tenants(path)
    assert any("system_actions" in problem for problem in wrong.value.problems)
    path.write_text(text.replace("[tenants.city.cds_client]", "[tenants.city.cds_client]\nsystem_actions = true"))
    assert read_tenants(path)[TENANT].release == "system-action"


def test_a_credential_comes_from_the_environment_or_a_file_of_its_own(tmp_path: Path) -> None:
    tenant = read(tmp_path, MESSAGES)
    senders = Senders({"STRIDE_CREDENTIAL_SMTP": "a secret"}, pooled_session())
    sender = senders.sender(tenant.messages, "email")
    assert isinstance(sender, Smtp)
    assert sender.password == "a secret"
    assert "a secret" not in repr(sender) + repr(senders)
    with pytest.raises(CredentialMissing, match="STRIDE_CREDENTIAL_SMS"):
        senders.sender(tenant.messages, "sms")
    (tmp_path / "one").write_text("from a file\n")
    assert senders.secret(f"file:{tmp_path / 'one'}") == "from a file"
    assert senders.sender(tenant.messages, "pager") is None
