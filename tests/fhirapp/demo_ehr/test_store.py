from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from fhirapp.demo_ehr.errors import FhirError
from fhirapp.demo_ehr.interactions import Interactions
from fhirapp.demo_ehr.scopes import FULL
from fhirapp.demo_ehr.settings import Resource
from fhirapp.demo_ehr.store import Store
from tests.fhirapp.demo_ehr.conftest import a_patient

TASK = {"resourceType": "Task", "status": "requested", "identifier": [{"value": "x"}]}


class Meeting(Interactions):
    """Holds each caller, just after it has looked, until a second one has looked as well, or a moment is over."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, "http://127.0.0.1:1/fhir")
        self.met = threading.Barrier(2, timeout=0.3)

    def existing(self, kind: str, query: str) -> Resource | None:
        found = super().existing(kind, query)
        with suppress(threading.BrokenBarrierError):  # nobody else could look: that is what the lock is for
            self.met.wait()
        return found


def test_nobody_else_looks_between_the_look_and_the_write_of_a_conditional_create_wb_3():
    api = Meeting(Store())

    def create(_: int) -> int:
        return api.create("Task", TASK, FULL, if_none_exist="identifier=x").status

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(create, range(2))) == [200, 201]


def test_what_is_put_in_is_not_what_is_kept():
    store, given = Store(), a_patient("ada")
    store.create(given, keep_id=True)
    given["name"][0]["family"] = "Changed"
    assert store.read("Patient", "ada")["name"][0]["family"] == "Test"
    assert "meta" not in given


def test_meta_of_the_writer_is_kept_beside_the_version():
    store = Store()
    tagged = a_patient("ada", meta={"tag": [{"code": "t"}], "versionId": "77"})
    stored = store.create(tagged, keep_id=True).resource or {}
    assert stored["meta"]["tag"] == [{"code": "t"}]
    assert stored["meta"]["versionId"] == "1"


def test_a_failure_undoes_creations_changes_and_deletions():
    store = Store()
    for patient in ("changed", "deleted"):
        store.create(a_patient(patient), keep_id=True)
    before = store.every("Patient")

    with pytest.raises(FhirError), store.all_or_nothing():  # noqa: PT012 - all of it is what fails together
        store.create(a_patient("new"), keep_id=True)
        store.update("Patient", "changed", a_patient("changed", "Other"))
        store.delete("Patient", "deleted")
        store.read("Patient", "nobody")
    assert store.every("Patient") == before
    assert store.version("Patient", "new") is None


def test_a_resource_that_comes_back_after_its_deletion_goes_on_counting():
    store = Store()
    store.create(a_patient("ada"), keep_id=True)
    store.delete("Patient", "ada")
    again = store.update("Patient", "ada", a_patient("ada"))
    assert again.number == 3
    assert len(store.history("Patient", "ada")) == 3


@pytest.mark.parametrize("if_match", ['W/"1"', '"1"', "*"])
def test_the_current_version_can_be_named_in_each_way(if_match: str):
    store = Store()
    store.create(a_patient("ada"), keep_id=True)
    assert store.update("Patient", "ada", a_patient("ada"), if_match=if_match).number == 2


@pytest.mark.parametrize("if_match", ['W/"2"', "", "1", 'W/"11"'])
def test_any_other_version_is_refused_wb_6(if_match: Any):
    store = Store()
    store.create(a_patient("ada"), keep_id=True)
    with pytest.raises(FhirError) as refused:
        store.update("Patient", "ada", a_patient("ada"), if_match=if_match)
    assert refused.value.status == 412
