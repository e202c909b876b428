"""Small readings of coded elements: every coding of a concept, by system and code, and what to show of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mappings.codes import sites
from mappings.structs import CodeableConcept, Coding

_INVISIBLE = str.maketrans("", "", "​‌‍⁠﻿")  # zero-width: met in Synthea's display texts


def codings(*concepts: CodeableConcept | None) -> Iterator[Coding]:
    """All codings of all concepts."""
    for concept in concepts:
        if concept is not None and concept.coding:
            yield from concept.coding


def code_in(concept: CodeableConcept | None) -> str | None:
    """The first code of a concept from a closed FHIR list, such as clinicalStatus; `None` when absent."""
    if concept is not None and concept.coding:
        for coding in concept.coding:
            if coding.code:
                return coding.code
    return None


def shown(concept: CodeableConcept | None, coding: Coding | None = None) -> str:
    """What the chart calls it, for people only."""
    if coding is not None and coding.display:
        return clean(coding.display)
    if concept is not None and concept.text:
        return clean(concept.text)
    for other in codings(concept):
        if other.display:
            return clean(other.display)
    return clean(coding.code or "") if coding is not None else ""


def clean(text: str) -> str:
    """Text without characters that nobody sees, on one line, of bounded length."""
    if not (text.isascii() and text.isprintable()):
        text = " ".join(text.translate(_INVISIBLE).split())
    return text[:200]


def site_words(concepts: Iterable[CodeableConcept] | None) -> list[str]:
    """Our words for the body sites that we know by code."""
    if not concepts:
        return []
    known = sites()
    found = [known.get(coding.code or "") for concept in concepts or () for coding in codings(concept)]
    return list(dict.fromkeys(word for word in found if word))
