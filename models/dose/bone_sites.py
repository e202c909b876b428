"""Which exercises a bone metastasis rules out, by its site. Source: rules.md section 5a.

The columns of the source table are to be confirmed against the original before live use, as BON-04 says.
"""

from __future__ import annotations

from typing import Final

from models.snapshot import Fact, PatientSnapshot
from models.text import N_, Text

_HIPS: Final = N_("No loaded bending or stretching of the hips; knees may work")
_SHOULDERS: Final = N_("No loaded raising or spreading of the arms at the shoulder; elbows may work")
_TRUNK: Final = N_("No loaded trunk exercises")
_SPINE: Final = N_("No stretching that bends or turns the spine")

_LIMITS: Final[dict[str, tuple[Text, ...]]] = {
    "pelvis": (_HIPS,),
    "lumbar spine": (_TRUNK, _SPINE),
    "thoracic spine": (_SHOULDERS, _TRUNK, _SPINE),
    "femur": (_HIPS,),
    "all regions": (_HIPS, _SHOULDERS, _TRUNK, _SPINE),
}
# A word of the chart's body site -> regions of the table. A spine without a level may be either level.
_REGIONS: Final[dict[str, tuple[str, ...]]] = {
    "pelvis": ("pelvis",),
    "femur": ("femur",),
    "rib": ("thoracic spine",),
    "thoracic": ("thoracic spine",),
    "lumbar": ("lumbar spine",),
    "spine": ("lumbar spine", "thoracic spine"),
}


def affected_regions(snapshot: PatientSnapshot) -> tuple[str, ...]:
    """The regions of the site table that bone metastases touch; every region when one site is not known."""
    found: dict[str, None] = {}
    for fact in snapshot.having("vs.bone_mets"):
        if fact.state == "planned":
            continue
        for region in _regions_of(fact):
            found[region] = None
    return ("all regions",) if "all regions" in found else tuple(found)


def _regions_of(fact: Fact) -> tuple[str, ...]:
    words = [word.strip() for word in fact.details.get("body_site", "").casefold().split(",")]
    regions: list[str] = []
    for word in words:
        known = next((regions for key, regions in _REGIONS.items() if key in word.split()), None)
        if known is None:
            return ("all regions",)
        regions += known
    return tuple(regions)


def site_limits(snapshot: PatientSnapshot) -> tuple[tuple[str, Text], ...]:
    """What to leave out, and the region that asks for it; each limit once."""
    limits: dict[str, tuple[str, Text]] = {}
    for region in affected_regions(snapshot):
        for text in _LIMITS[region]:
            limits.setdefault(text.msgid, (f"table 5a, {region}", text))
    return tuple(limits.values())
