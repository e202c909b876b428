"""A third-party FHIR server to onboard by hand: `python -m tests.ehr hapi` (or `medplum`), until Ctrl-C.

It has an example chart and the staff of the demo hospital, a sign-in for services, and a CDS Hooks client: each line
`open PATIENT STRIDE-URL` on its standard input opens a chart, as a clinician would, and prints the cards.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from datetime import date
from uuid import uuid4

import requests
from joserfc import jwt
from joserfc.jwk import ECKey

from fhirapp.demo_ehr.patients import example_charts
from tests.ehr.between import Between, Offer, between
from tests.ehr.house import Server, seed_staff
from tests.ehr.programs import hapi_or_skip, medplum_or_skip

PATIENT = "ada-refer"


def main() -> None:
    """Serve until Ctrl-C or the end of the input."""
    arguments = argparse.ArgumentParser(prog="python -m tests.ehr", description=__doc__)
    arguments.add_argument("server", choices=("hapi", "medplum"))
    arguments.add_argument("--port", type=int, default=8090)
    asked = arguments.parse_args()
    start = hapi_or_skip if asked.server == "hapi" else medplum_or_skip
    key = ECKey.generate_key("P-384", auto_kid=True)
    with start() as base, between(base, Offer(), asked.port) as proxy:
        proxy.jwks = {"keys": [{**key.as_dict(private=False), "use": "sig", "alg": "ES384"}]}
        seed(Server(asked.server, base))
        print(f"FHIR base   {proxy.base}\nCDS issuer  {proxy.base}\nCDS keys    {proxy.base}/jwks.json", flush=True)
        print(f"patient     {PATIENT}\ntype: open {PATIENT} http://localhost:8000", flush=True)
        for line in sys.stdin:
            words = line.split()
            if len(words) == 3 and words[0] == "open":
                print(opened(proxy, key, words[1], words[2]), flush=True)


def seed(server: Server) -> None:
    """Staff and one chart."""
    seed_staff(server)
    chart = next(one.bundle for one in example_charts(date.today()) if one.patient_id == PATIENT)
    for entry in chart["entry"]:
        server.put(entry["resource"])


def opened(proxy: Between, key: ECKey, patient_id: str, stride: str) -> str:
    """The cards for a chart that is opened, in one line each."""
    url = f"{stride.rstrip('/')}/cds-services/exercise-referral"
    call = {
        "hook": "patient-view",
        "hookInstance": str(uuid4()),
        "fhirServer": proxy.base,
        "fhirAuthorization": {
            "access_token": "t0", "token_type": "Bearer", "expires_in": 60,
            "scope": "patient/*.rs", "subject": "stride",
        },
        "context": {"userId": "Practitioner/dr-lind", "patientId": patient_id},
    }  # fmt: skip
    now = int(time.time())
    claims = {"iss": proxy.base, "aud": url, "iat": now, "exp": now + 60, "jti": str(uuid4())}
    header = {"alg": "ES384", "typ": "JWT", "kid": key.kid}
    token = jwt.encode(header, claims, key, algorithms=["ES384"])
    answer = requests.post(url, json=call, headers={"Authorization": f"Bearer {token}"}, timeout=30)
    if answer.status_code != 200:
        return f"{answer.status_code} {answer.text}"
    return "\n".join(card["summary"] for card in json.loads(answer.text)["cards"]) or "no card"


if __name__ == "__main__":
    main()
