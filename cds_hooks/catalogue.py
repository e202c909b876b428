"""The services that we offer, as discovery lists them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cds_hooks.dispatch import DISPATCHED, ORDER_DISPATCH, PERFORMER
from cds_hooks.drugs import DRUGS
from cds_hooks.errors import MalformedCall, UnknownService
from cds_hooks.ports import Client
from mappings.queries import prefetch_templates
from models.text import N_, Text

CDS_HOOKS_VERSION: Final = "2.0.1"  # what we speak on the wire (CH-D4)
EXERCISE_REFERRAL: Final = "exercise-referral"
PROGRAMME_CHOICE: Final = "exercise-programme-choice"  # about one order, whose guidance takes no other away
WARM_UP: Final = "exercise-referral-warm-up"  # an id of its own, so that its silence takes no card away (CH-X3)


@dataclass(frozen=True, slots=True)
class Service:
    """One service on one hook. The same id on several hooks: newer guidance supersedes older (CH-D7)."""

    id: str
    hook: str
    hook_version: str  # of the published hook definition
    title: Text
    description: Text
    needs: tuple[str, ...]  # context fields that the hook requires beside patientId
    usage: Text
    templates: Mapping[str, str] = field(default_factory=dict)  # beside those of the chart
    silent: bool = False  # works everything out, shows and opens nothing
    newer_templates: Mapping[str, str] = field(default_factory=dict)  # beside ours, for clients that know 3.0 (CH-P1)


_TITLE: Final = N_("Exercise referral by default")
_USAGE: Final = N_(
    "Needs the patient and the conditions by prefetch or FHIR access; everything else makes the answer more"
    " complete. Every call needs a signed client token."
)


# Drugs that drafts name by reference; only clients of 3.0 can follow it (CH-P1).
_DRAFTED: Final = {
    DRUGS: "Medication?_id={{context.draftOrders.entry.resource.ofType(MedicationRequest)"
    ".medication.ofType(Reference).resolve().ofType(Medication).id}}"
}


def _referral(hook: str, hook_version: str, occasion: Text, *needs: str) -> Service:
    description = N_(
        "{occasion}: refers people with cancer to a safe exercise programme unless the clinician or the patient says"
        " no, and shows what speaks against it.",
        occasion=occasion,
    )
    newer = _DRAFTED if "draftOrders" in needs else {}
    needed = ("userId", *needs)
    return Service(EXERCISE_REFERRAL, hook, hook_version, _TITLE, description, needed, _USAGE, newer_templates=newer)


# All under one id, so that what one hook says replaces what an earlier one said of the same patient.
SERVICES: Final = (
    _referral("patient-view", "1.0", N_("When a chart is opened")),
    _referral("order-sign", "1.0", N_("When cancer treatment is ordered"), "draftOrders"),
    _referral("encounter-start", "1.0", N_("When a visit or stay begins"), "encounterId"),
    _referral("encounter-discharge", "1.0", N_("When the patient goes home"), "encounterId"),
    _referral("problem-list-item-create", "0.1.0", N_("When a diagnosis is recorded"), "conditions"),
    _referral("appointment-book", "1.0", N_("When an appointment is booked"), "appointments"),
    Service(
        WARM_UP,
        "order-select",
        "1.0",
        N_("Exercise referral: ready for the signature"),
        N_("While orders are chosen: gets keys, models and connections ready, so that signing waits less. No cards."),
        ("userId", "selections", "draftOrders"),
        _USAGE,
        silent=True,
        newer_templates=_DRAFTED,
    ),
    Service(
        PROGRAMME_CHOICE,
        ORDER_DISPATCH,
        "1.1",
        N_("Exercise programme: does it suit?"),
        N_(
            "When an exercise or physiotherapy order is sent: says whether the programme gives the supervision that the"
            " patient needs, and offers those that do. Silent for every other order."
        ),
        ("dispatchedOrders", "performer"),
        _USAGE,
        templates={PERFORMER: "{{context.performer}}"},
        newer_templates={
            DISPATCHED: "ServiceRequest?_id={{context.dispatchedOrders.resolve().ofType(ServiceRequest).id}}"
        },
    ),
)

_BY_ID_AND_HOOK: Final[Mapping[tuple[str, str], Service]] = {(one.id, one.hook): one for one in SERVICES}
_IDS: Final = frozenset(one.id for one in SERVICES)


def check_known(service_id: str) -> None:
    """Raises `UnknownService` when no service has this id (CH-R1)."""
    if service_id not in _IDS:
        raise UnknownService(f"no service {service_id!r}")


def find_service(service_id: str, hook: str) -> Service:
    """The service of this id for this hook. Raises `MalformedCall` for a hook that it is not for (CH-D7)."""
    check_known(service_id)
    service = _BY_ID_AND_HOOK.get((service_id, hook))
    if service is None:
        hooks = ", ".join(one.hook for one in SERVICES if one.id == service_id)
        raise MalformedCall(f"service {service_id} is for {hooks}", "hook")
    return service


def discovery(clients: Iterable[Client], gettext: Callable[[str], str] | None = None) -> dict[str, Any]:
    """What `GET /cds-services` answers to one of these clients: in its language, with templates that it can fill in.

    To several, when nobody says who asks, what all of them understand; without any client there is no service.
    Source: CH-D1 to CH-D9.
    """
    known = tuple(clients)
    alone = known[0] if len(known) == 1 else None
    said = (alone.gettext if alone else None) or gettext
    return {"services": [_listed(service, alone, said) for service in SERVICES if known]}


def _listed(service: Service, client: Client | None, gettext: Callable[[str], str] | None) -> dict[str, Any]:
    templates = templates_for(service, client)
    return {
        "hook": service.hook,
        "id": service.id,
        "title": service.title.render(gettext),
        "description": service.description.render(gettext),
        "version": CDS_HOOKS_VERSION,
        "hookVersion": service.hook_version,
        **({"prefetch": templates} if templates else {}),
        "usageRequirements": service.usage.render(gettext),
    }


def templates_for(service: Service, client: Client | None) -> dict[str, str]:
    """The prefetch templates of a service in the dialect of a client; empty for one that prefetches nothing."""
    if client is None:
        return {**prefetch_templates(), **service.templates}
    if client.prefetch == "none":
        return {}
    newer = service.newer_templates if client.prefetch == "3.0" else {}
    return {**prefetch_templates(client.site_codes), **service.templates, **newer}
