"""All questions about a chart in one request, to an EHR that says it takes batches. Source: R4 http.html#batch.

A batch is a shortcut and nothing more: what it does not answer is asked by itself, and an EHR that fails at one is
asked by single questions for a while. HAPI takes batches but lists only transactions, so an EHR that says either is
tried.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from fhirapp.ehr.capabilities import Capabilities
from fhirapp.ehr.client import EhrClient
from fhirapp.ehr.errors import EhrDown, EhrError

log = logging.getLogger("stride.ehr")

PATIENCE_S: Final = 20.0  # it does the work of seventeen questions, mostly one after the other
SINGLY_FOR: Final = timedelta(minutes=30)


class Batches:
    """Of all EHRs; safe to share by threads."""

    def __init__(self, capabilities: Capabilities, clock: Callable[[], datetime]) -> None:
        self._capabilities, self._clock = capabilities, clock
        self._lock, self._singly_until = Lock(), dict[str, datetime]()

    def answers(self, tenant_id: str, ehr: EhrClient, paths: Sequence[str]) -> Mapping[str, bytes]:
        """What one batch answered, by path; nothing where it is not offered or failed.

        Raises `EhrDown` where the EHR does not answer: then nothing else need be tried there now.
        """
        if not self._offered(tenant_id):
            return {}
        try:
            said = ehr.batch(paths, patience_s=PATIENCE_S)
        except EhrError as error:
            log.info("tenant %s: no batch (%s), single questions instead", tenant_id, error)
            with self._lock:
                self._singly_until[tenant_id] = self._clock() + SINGLY_FOR
            if isinstance(error, EhrDown):
                raise
            return {}
        return {path: body for path, body in zip(paths, said, strict=True) if body is not None}

    def _offered(self, tenant_id: str) -> bool:
        until = self._singly_until.get(tenant_id)
        if until is not None and self._clock() < until:
            return False
        known = self._capabilities.of(tenant_id)
        return known.batch or known.transaction
