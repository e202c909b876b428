"""A request body becomes a hook request, or an error that says which field is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import msgspec

from cds_hooks.errors import MalformedCall

_BARE_ID: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_USER: Final = re.compile(r"[A-Za-z]+/[A-Za-z0-9\-.]{1,64}")
_ABSENT: Final = msgspec.Raw()
_OPENING_BRACE: Final = ord("{")

# Unknown elements are ignored everywhere (CH-G4): msgspec skips what a struct does not name. Values of
# the chart stay raw bytes here, so that each is parsed once, by mappings.bundle.


class FhirAuthorization(msgspec.Struct, frozen=True, gc=False):
    """The token that lets us read for this one call (CH-F2). Its repr is safe to log: it shows no token."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str
    subject: str
    patient: str | None = None

    def __repr__(self) -> str:
        return f"FhirAuthorization(subject={self.subject!r}, scope={self.scope!r})"


class Context(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """What the hook is about: the fields of all hooks that we know, each optional here."""

    patient_id: str
    user_id: str | None = None
    encounter_id: str | None = None
    selections: tuple[str, ...] | None = None
    draft_orders: msgspec.Raw = _ABSENT
    conditions: msgspec.Raw = _ABSENT
    appointments: msgspec.Raw = _ABSENT
    performer: msgspec.Raw = _ABSENT
    dispatched_orders: msgspec.Raw = _ABSENT
    fulfillment_tasks: msgspec.Raw = _ABSENT
    # As clients of an older order-dispatch name these.
    dispatched: msgspec.Raw = msgspec.field(default=_ABSENT, name="dispatched-orders")
    order: msgspec.Raw = _ABSENT
    task: msgspec.Raw = _ABSENT

    def has(self, field: str) -> bool:
        """Whether the client gave this field, named as on the wire."""
        return any(self._given(name) for name in (field, *_OLDER_NAMES.get(field, ())))

    def _given(self, field: str) -> bool:
        value = getattr(self, _FIELDS[field])
        return bytes(value) not in (b"", b"null") if isinstance(value, msgspec.Raw) else value is not None


_FIELDS: Final = {field.encode_name: field.name for field in msgspec.structs.fields(Context)}
_OLDER_NAMES: Final = {"dispatchedOrders": ("dispatched-orders", "order")}


class HookRequest(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """One hook request as it came, checked. Source: CH-R2 to CH-R7."""

    hook: str
    hook_instance: str
    context: Context
    fhir_server: str | None = None
    fhir_authorization: FhirAuthorization | None = None
    prefetch: dict[str, msgspec.Raw] | None = None
    extension: dict[str, msgspec.Raw] | None = None

    @property
    def sent(self) -> Mapping[str, msgspec.Raw]:
        """The prefetch values by key; a key that is absent was not provided (CH-P5)."""
        return self.prefetch or {}


_DECODER: Final = msgspec.json.Decoder(HookRequest)


def decode_hook(body: bytes) -> HookRequest:
    """The request in a body. Raises `MalformedCall` naming the field, never its value."""
    try:
        request = _DECODER.decode(body)
    except msgspec.ValidationError as error:
        raise MalformedCall(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MalformedCall("the body is not JSON") from None
    _check(request)
    return request


def _check(request: HookRequest) -> None:
    context = request.context
    if not request.hook:
        raise MalformedCall("hook is empty", "hook")
    if not _is_uuid(request.hook_instance):
        raise MalformedCall("hookInstance is not a UUID", "hookInstance")
    if not _BARE_ID.fullmatch(context.patient_id):
        raise MalformedCall("patientId is not a bare id", "context.patientId")
    if context.encounter_id is not None and not _BARE_ID.fullmatch(context.encounter_id):
        raise MalformedCall("encounterId is not a bare id", "context.encounterId")
    if context.user_id is not None and not _USER.fullmatch(context.user_id):
        raise MalformedCall("userId is not Type/id", "context.userId")
    if request.fhir_authorization is not None:
        _check_access(request.fhir_authorization, request.fhir_server)
    for key, value in request.sent.items():
        if memoryview(value)[0] != _OPENING_BRACE and bytes(value) != b"null":
            raise MalformedCall(f"prefetch {key[:64]!r} is no resource", "prefetch")


def _check_access(access: FhirAuthorization, fhir_server: str | None) -> None:
    if not fhir_server:
        raise MalformedCall("fhirAuthorization without fhirServer", "fhirServer")  # cds-r-1
    if access.token_type.lower() != "bearer" or not access.access_token:
        raise MalformedCall("token_type is not Bearer", "fhirAuthorization.token_type")


def _is_uuid(value: str) -> bool:
    try:
        UUID(value.removeprefix("urn:uuid:"))
    except ValueError:
        return False
    return True


def decoded(raw: msgspec.Raw) -> Any:
    """Any JSON value of a request, for the small parts that are read leniently. Raises `MalformedCall`."""
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MalformedCall("the body is not JSON") from None
