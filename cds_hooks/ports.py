"""What the CDS Hooks room needs from the rest of the house."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol
from uuid import UUID

from models.decision import Decision
from models.placement import Placement

if TYPE_CHECKING:
    from mappings.bundle import Chart, Part
    from mappings.queries import Query

KeySource = Callable[[bool], Mapping[str, Any]]
Scopes = Literal["v1", "v2", "both"]
Prefetch = Literal["2.0", "3.0", "none"]


@dataclass(frozen=True, slots=True)
class Client:
    """One CDS client that we have agreed with, and how far we trust it."""

    issuer: str
    tenant_id: str
    keys: KeySource  # its JWKS; called with True when a `kid` is unknown and a refetch is wanted (CH-J9)
    algorithms: tuple[str, ...] = ("ES384", "RS384")
    jku: str | None = None  # the only `jku` that its tokens may name; never followed from a token (CH-J5)
    tenants: frozenset[str] = frozenset()  # `tenant` claims allowed; empty: any (CH-J8)
    fhir_servers: frozenset[str] = frozenset()  # the only servers that its `fhirServer` may name (CH-R4)
    cors_origins: frozenset[str] = frozenset()  # browser origins that call for this client (CH-X1)
    subject: str | None = None  # our client_id at its authorization server (CH-F2); None: not checked
    dry_run: bool = False  # silent pilot: Intake computes and logs, shows and opens nothing
    insecure_http: bool = False  # loopback and development only: `fhirServer` may be http
    system_actions: bool = False  # a written agreement allows systemActions (CH-Y2)
    action_selection: bool = False  # it is known to understand `actionSelectionBehavior` (CH-A5)
    scopes: Scopes = "both"  # the SMART version that the scopes of its tokens are written in (CH-F3)
    prefetch: Prefetch = "2.0"  # templates that it can fill in; none: it is asked over REST for everything
    site_codes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by key: what only its site uses
    read_seconds: float = 4.0  # for all reading of one call; an EHR gives a hook about five seconds (CH-G3)
    gettext: Callable[[str], str] | None = None  # its hospital's language; None: English


@dataclass(slots=True)
class TokenUse:
    """The id of a token that has been checked, to be remembered so that it works once (CH-J7).

    It goes into the database with what the call keeps, in one transaction; of two calls with one token the
    database refuses the later. Whoever has put it there says so in `spent`.
    """

    issuer: str
    jti: str
    expires_at: datetime
    spent: bool = False


class Clients(Protocol):
    """The clients on file, and the memory of their tokens that all processes share."""

    def by_issuer(self, issuer: str) -> Client | None:
        """The client whose tokens name this `iss`."""

    def first_use(self, use: TokenUse) -> bool:
        """Remember a token id until it expires; False when it was there already: a replay (CH-J7)."""

    def was_used(self, use: TokenUse) -> bool:
        """Whether a token id is there already. A race between two calls is decided by whoever remembers it first."""

    def origins(self) -> frozenset[str]:
        """Every browser origin that any client may call from."""

    def every(self) -> Sequence[Client]:
        """All clients on file."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What reading over REST gave: parts in the order of the queries, and the keys that failed."""

    parts: tuple[Part, ...] = ()
    failed: frozenset[str] = frozenset()


class Charts(Protocol):
    """Reads at the client's FHIR server with the token of one hook call, until that call's deadline.

    The token is for this call only: it is never stored, logged or sent to another host (CH-F4, CH-F8), and nothing
    is begun with it after the deadline (CH-F6). `until` is a time of the monotonic clock that the blueprint has.
    """

    def fetch(
        self,
        client: Client,
        fhir_server: str,
        access_token: str,
        queries: Sequence[Query],
        patient_id: str,
        *,
        until: float,
    ) -> Fetched:
        """Run the queries side by side, following `next` pages; a key that cannot be read whole is `failed`."""

    def more(
        self, client: Client, fhir_server: str, access_token: str, links: Mapping[str, str], *, until: float
    ) -> Fetched:
        """All further pages by key, side by side, from the `next` link of each first page (CH-P8)."""


@dataclass(frozen=True, slots=True)
class DraftOrder:
    """One order that is being written, as far as the client says what it is (half-filled ones too)."""

    reference: str  # "MedicationRequest/d1"; "" when the draft has no id yet
    resource_type: str
    status: str = ""  # on a re-sign not "draft"
    codings: tuple[tuple[str, str], ...] = ()  # (system, code), of the drug or service
    text: str = ""  # what the client calls it; "" when nothing is said yet
    selected: bool = True  # order-select: the user has just picked it
    treatment: bool = True  # it is cancer treatment, or may be
    unresolved: tuple[str, ...] = ()  # "Medication/1": drugs that it names and that came with it nowhere


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Exercise orders on their way to a performer."""

    performer: str  # "Organization/12"
    performer_name: str  # "" when nobody says
    orders: tuple[dict[str, Any], ...]  # ServiceRequests, whole as the EHR has them
    tasks: tuple[dict[str, Any], ...] = ()  # the Tasks that ask the performer, whole


@dataclass(frozen=True, slots=True)
class HookCall:
    """One call of a hook, authenticated and parsed. The chart comes beside it."""

    tenant_id: str
    client: Client
    service_id: str
    hook: str
    hook_instance: str
    patient_id: str
    user: str | None = None  # "Practitioner/1"
    encounter_id: str | None = None
    fhir_server: str | None = None
    draft_orders: tuple[DraftOrder, ...] = ()
    dispatch: Dispatch | None = None  # order-dispatch only
    pilot: bool = False  # the client is in a silent pilot: what would have been shown is noted
    token: TokenUse | None = None  # not remembered yet: goes with what the call keeps


@dataclass(frozen=True, slots=True)
class Offer:
    """What came of a call: the decision, and what the card needs beside it."""

    decision: Decision
    episode_id: UUID | None  # None: nothing was opened (not eligible, dry run)
    show: bool  # False: no card (not eligible, in the programme, overridden, dry run)
    card_id: UUID
    suggestion_id: UUID
    suggestion: tuple[dict[str, Any], ...] = ()  # resources to create, in order; empty: none may be suggested
    app_context: str | None = None  # opaque one-time handle for the app (CH-L3)
    launch_url: str | None = None  # our registered launch URL
    clinician_deadline: datetime | None = None  # tenant's zone; when the standing order signs
    opt_out_deadline: datetime | None = None  # tenant's zone; when the referral enters the queue
    quiet_reason: str = ""  # why show is False; for the log, never shown
    placement: Placement | None = None  # order-dispatch: the choice of programme, judged


class Intake(Protocol):
    """Where a chart goes in and an offer comes out."""

    def receive(self, call: HookCall, chart: Chart, *, now: datetime) -> Offer:
        """Decide on the chart and open or find the episode. `chart.unread` names what could not be read.

        `call.token` is remembered with what is kept. Raises `NotAuthenticated`, and keeps nothing, when it was
        used before.
        """


@dataclass(frozen=True, slots=True)
class Coding:
    """A coded reason. Clients may leave the display out (CH-B7)."""

    code: str
    system: str = ""
    display: str = ""


@dataclass(frozen=True, slots=True)
class FeedbackEntry:
    """What became of one card. The same one may come many times (CH-B4)."""

    card: str  # our card's uuid, lower case
    outcome: Literal["accepted", "overridden"]
    at: datetime  # aware
    suggestions: tuple[str, ...] = ()  # uuids of the accepted ones
    reason: Coding | None = None
    comment: str = field(default="", repr=False)  # free text of a clinician: may hold patient data


class Feedbacks(Protocol):
    """Where feedback is kept and acted on."""

    def record(self, client: Client, service_id: str, entries: Iterable[FeedbackEntry], *, now: datetime) -> None:
        """Keep each entry once, keyed (card, outcome, suggestions, time), and act on it."""
