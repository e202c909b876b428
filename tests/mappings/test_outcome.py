"""mappings/outcome.py"""

from __future__ import annotations

from fhir.resources.R4B.operationoutcome import OperationOutcome

from mappings.outcome import Issue, operation_outcome


def test_an_outcome_is_valid_fhir():
    made = operation_outcome(
        Issue("required", "prefetch key conditions is missing", expression=("prefetch.conditions",)),
        Issue("invalid", "not JSON", severity="fatal"),
    )
    OperationOutcome.model_validate(made)
    assert made["issue"][0]["expression"] == ["prefetch.conditions"]
    assert made["issue"][1]["severity"] == "fatal"


def test_empty_elements_are_left_out():
    assert "expression" not in operation_outcome(Issue("invalid", "x"))["issue"][0]
