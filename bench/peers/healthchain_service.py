"""A HealthChain 0.16.1 service with the lightest handler that it allows; runs in an environment of its own.

No token, no rules, no model, no database: the handler walks the dictionaries that the framework gives it, keeps the
newest value of each code, and answers with one card. What is left is the framework.
"""

from __future__ import annotations

from typing import Any

from healthchain.gateway import CDSHooksService, HealthChainAPI
from healthchain.models.requests.cdsrequest import CDSRequest
from healthchain.models.responses.cdsresponse import Card, CDSResponse

service = CDSHooksService()


@service.hook("patient-view", id="exercise-referral")
def patient_view(request: CDSRequest) -> CDSResponse:
    """One card, from a walk through the observations."""
    newest: dict[str, tuple[str, float]] = {}
    bundle: dict[str, Any] = (request.prefetch or {}).get("labs") or {}
    for entry in bundle.get("entry", ()):
        resource = entry["resource"]
        code = resource["code"]["coding"][0]["code"]
        when = resource["effectiveDateTime"]
        if code not in newest or newest[code][0] < when:
            newest[code] = (when, resource["valueQuantity"]["value"])
    card = Card(summary=f"{len(newest)} values", indicator="info", source={"label": "bench"}, detail="lightest handler")
    return CDSResponse(cards=[card])


app = HealthChainAPI(title="bench")
app.register_service(service)
