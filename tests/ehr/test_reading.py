"""A chart read by one batch is the chart read by single questions, on each server."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

from fhirapp.ehr.batches import Batches
from fhirapp.ehr.chart import chart_of
from mappings.from_fhir.snapshot import snapshot_from
from tests.ehr.house import House

AS_OF = datetime(2026, 11, 26, 12, tzinfo=UTC)


def test_a_batch_reads_what_single_questions_do(plain: House) -> None:
    patient, ehr = plain.patient(), plain.ehr
    plain.stride.capabilities.read(plain.tenant.id, ehr)
    batches, before = Batches(plain.stride.capabilities, plain.stride.clock), len(plain.proxy.asked("GET"))
    at_once, refused = chart_of(ehr, patient, plain.stride.pool, at_once=partial(batches.answers, plain.tenant.id))
    alone = len(plain.proxy.asked("GET")) - before
    singly, refused_singly = chart_of(ehr, patient, plain.stride.pool)
    assert (refused, at_once.unread) == (refused_singly, singly.unread)
    assert snapshot_from(at_once, as_of=AS_OF) == snapshot_from(singly, as_of=AS_OF)
    assert alone <= 2, "a batch that has to be asked again by single questions saves nothing"
