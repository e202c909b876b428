"""The demo hospital: how Stride is set up for it, and how its EHR knows Stride."""

from __future__ import annotations

from datetime import date
from typing import Final

TENANT: Final = "city"
APP_CLIENT, BACKEND_CLIENT = "stride-app", "stride-backend"
CLINICIAN, AUTHORISER, NAVIGATOR = "dr-lind", "dr-okafor", "nav-ray"

_TENANTS = """\
# The demo hospital. docs/reference/tenants.md explains each line.
[tenants.{tenant}]
name = "City Hospital"
time_zone = "Europe/London"
release = "standing-order"

[[tenants.{tenant}.navigators]]
reference = "Practitioner/{navigator}"
display = "Tamsin Ray"

[tenants.{tenant}.ehr]
fhir_base = "{ehr_url}/fhir"
client_id = "{app}"
backend_client_id = "{backend}"
frame_ancestors = ["{ehr_url}"]

[tenants.{tenant}.cds_client]
issuer = "{ehr_url}"
jwks_url = "{ehr_url}/cds/jwks.json"
fhir_servers = ["{ehr_url}/fhir"]
cors_origins = ["{ehr_url}"]

[tenants.{tenant}.windows]
clinician_hours = 72
patient_days = 7

[tenants.{tenant}.messages]
channels = ["outbox"]

[tenants.{tenant}.standing_order]
authoriser = "Practitioner/{authoriser}"
display = "Dr Chidi Okafor"
destinations = ["D1", "D2", "D3", "D4", "D5"]
expires = {expires}

[tenants.{tenant}.exercise_service]
reference = "Organization/stride-exercise-service"
display = "Exercise Service, City Hospital"
phone = "+1 555 0110"
email = "exercise@example.org"

[tenants.{tenant}.responsible_clinician]
reference = "Practitioner/{clinician}"
display = "Dr Maren Lind"
email = "dr-lind@example.org"

[tenants.{tenant}.on_call]
reference = "Practitioner/{authoriser}"
display = "Oncology on call"
phone = "+1 555 0199"

[[tenants.{tenant}.programmes]]
id = "community-class"
name = "Riverside Community Exercise Class"
level = "D3"
organization = "Organization/riverside-community-class"
supervision = 2
note = "Cancer-trained instructor, Tuesdays and Fridays 10:00, free"

[[tenants.{tenant}.programmes]]
id = "physiotherapy"
name = "Northgate Physiotherapy"
level = "D2"
organization = "Organization/northgate-physiotherapy"
supervision = 3
note = "One to one and small groups, at the hospital"

[[tenants.{tenant}.programmes]]
id = "cardiac-clinic"
name = "Harbour Cardiac Exercise Clinic"
level = "D1"
organization = "Organization/harbour-cardiac-clinic"
supervision = 4
note = "Medically supervised, with monitoring"

[[tenants.{tenant}.programmes]]
id = "home"
name = "Exercise at home with a weekly call"
level = "D4"
organization = "Organization/stride-exercise-service"
supervision = 1
note = "By phone or video; bands are lent"
"""


def tenants_toml(ehr_url: str, expires: date) -> str:
    """The tenants file of the demo."""
    return _TENANTS.format(
        tenant=TENANT,
        ehr_url=ehr_url,
        app=APP_CLIENT,
        backend=BACKEND_CLIENT,
        navigator=NAVIGATOR,
        authoriser=AUTHORISER,
        clinician=CLINICIAN,
        expires=expires.isoformat(),
    )
