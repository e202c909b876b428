"""How one hospital reaches its patients: `[tenants.NAME.messages]`. Secrets are named here, never written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any, Final

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

CHANNELS: Final = ("email", "sms", "letter", "outbox")
OUTBOX: Final = "outbox"  # a demonstration's: the page stands for the patient's letter box
SOURCE_LANGUAGE: Final = "en"  # in which the texts are written


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """The mail server."""

    host: str
    sender: str
    port: int = 587
    security: str = "starttls"
    user: str = ""
    password: str = ""  # where it stands, never the password itself


@dataclass(frozen=True, slots=True)
class WebSettings:
    """A provider that is called over HTTP."""

    url: str
    method: str = "POST"
    encoding: str = "json"
    fields: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    authorization: str = ""  # where it stands
    id_path: str = ""
    key_header: str = ""
    sender: str = ""  # of text messages: a number or a name


@dataclass(frozen=True, slots=True)
class ReplySettings:
    """How the provider of text messages hands us what patients answer."""

    secret: str  # where it stands
    header: str = "X-Signature"
    scheme: str = "hmac-sha256"  # of the body, in hexadecimal; or "secret": the header holds the secret itself
    number: str = "from"  # path to the patient's number in the body
    text: str = "text"
    id: str = "id"


@dataclass(frozen=True, slots=True)
class Review:
    """Who has read the texts of one language and stands for them."""

    language: str
    reviewer: str
    on: date


@dataclass(frozen=True, slots=True)
class Messages:
    """Which channels are allowed, in which order, and when nobody is to be disturbed."""

    channels: tuple[str, ...] = ("letter",)
    quiet_from: time = time(20)
    quiet_to: time = time(8)
    sender_name: str = ""
    country: str = ""  # calling code for numbers without one: "44"
    letter_days: int = 3  # from the post box to the patient's hands
    return_address: tuple[str, ...] = ()
    smtp: SmtpSettings | None = None
    sms: WebSettings | None = None
    pager: WebSettings | None = None
    replies: ReplySettings | None = None
    reviewed: Mapping[str, Review] = field(default_factory=dict)

    def has_reviewed(self, language: str) -> bool:
        """True for English, and for a language in which somebody stands for the texts."""
        code = language.split("-")[0].lower()
        return code == SOURCE_LANGUAGE or code in self.reviewed


class _Strict(Schema):
    class Meta:
        unknown = RAISE


_url = validate.URL(schemes={"http", "https"}, require_tld=False)
_clock = validate.Regexp(r"^([01]\d|2[0-3]):[0-5]\d$", error='must be a time of day like "20:00"')
_secret = validate.Regexp(
    r"^(env:STRIDE_CREDENTIAL_[A-Z0-9_]+|file:/.+)$",
    error='name where it stands, "env:STRIDE_CREDENTIAL_..." or "file:/...": no secret stands in this file',
)


class _SmtpSchema(_Strict):
    host = fields.String(required=True)
    sender = fields.Email(required=True)
    port = fields.Integer(validate=validate.Range(1, 65535))
    security = fields.String(validate=validate.OneOf(["starttls", "tls", "none"]))
    user = fields.String()
    password = fields.String(validate=_secret)

    @validates_schema
    def _is_safe(self, data: Mapping[str, Any], **_: Any) -> None:
        if data.get("security") == "none" and data.get("host") not in ("127.0.0.1", "localhost", "::1"):
            raise ValidationError("mail may leave this machine only over TLS", "security")


class _WebSchema(_Strict):
    url = fields.String(required=True, validate=_url)
    method = fields.String(validate=validate.OneOf(["POST", "PUT"]))
    encoding = fields.String(validate=validate.OneOf(["json", "form"]))
    fields_ = fields.Dict(required=True, data_key="fields", attribute="fields")
    headers = fields.Dict(keys=fields.String(), values=fields.String())
    authorization = fields.String(validate=_secret)
    id_path = fields.String()
    key_header = fields.String()
    sender = fields.String()

    @validates_schema
    def _is_safe(self, data: Mapping[str, Any], **_: Any) -> None:
        url = str(data.get("url", ""))
        if url.startswith("http://") and not url.startswith(("http://127.0.0.1", "http://localhost")):
            raise ValidationError("telephone numbers may leave this machine only over https", "url")


class _ReplySchema(_Strict):
    secret = fields.String(required=True, validate=_secret)
    header = fields.String()
    scheme = fields.String(validate=validate.OneOf(["hmac-sha256", "secret"]))
    number = fields.String()
    text = fields.String()
    id = fields.String()


class _ReviewSchema(_Strict):
    language = fields.String(required=True, validate=validate.Regexp(r"^[a-z]{2,3}$", error='must be like "de"'))
    reviewer = fields.String(required=True, validate=validate.Length(min=3))
    on = fields.Date(required=True)


class MessagesSchema(_Strict):
    """Checks `[tenants.NAME.messages]`."""

    channels = fields.List(fields.String(validate=validate.OneOf(CHANNELS)), validate=validate.Length(min=1))
    quiet_from = fields.String(validate=_clock)
    quiet_to = fields.String(validate=_clock)
    sender_name = fields.String()
    country = fields.String(validate=validate.Regexp(r"^[1-9]\d{0,2}$", error='must be a calling code like "44"'))
    letter_days = fields.Integer(validate=validate.Range(1, 14))
    return_address = fields.List(fields.String(), validate=validate.Length(max=5))
    smtp = fields.Nested(_SmtpSchema)
    sms = fields.Nested(_WebSchema)
    pager = fields.Nested(_WebSchema)
    replies = fields.Nested(_ReplySchema)
    reviewed = fields.List(fields.Nested(_ReviewSchema))


def messages_of(data: Mapping[str, Any]) -> Messages:
    """The settings, from what the schema has checked."""
    made: dict[str, Any] = dict(data)
    for name, kind in _PARTS.items():
        if name in made:
            made[name] = kind(**made[name])
    for name in ("quiet_from", "quiet_to"):
        if name in made:
            made[name] = time.fromisoformat(made[name])
    for name in ("channels", "return_address"):
        if name in made:
            made[name] = tuple(made[name])
    if "reviewed" in made:
        made["reviewed"] = {one["language"]: Review(**one) for one in made["reviewed"]}
    return Messages(**made)


_PARTS: Final[Mapping[str, Any]] = {
    "smtp": SmtpSettings, "sms": WebSettings, "pager": WebSettings, "replies": ReplySettings,
}  # fmt: skip
