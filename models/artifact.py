"""A trained model on disk: which version is current, and whether it is what it says it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from models.errors import ArtifactRefused
from models.features import features_named
from models.model_spec import Bands, ModelSpec
from models.text import N_, Text

INSTALLED: Final = Path(__file__).parent / "artifacts"
CURRENT: Final = "current.json"
MODEL_FILE: Final = "model.txt"
META_FILE: Final = "meta.json"
CARD_FILE: Final = "CARD.md"
LAYOUT: Final = 1  # of meta.json
# What a model trained on a site's own records estimates, where its label is another one than that of the shipped model.
BEGINS: Final = N_("Begins the exercise programme within 60 days of the referral")
KEEPS_COMING: Final = N_("Comes to at least seven in ten sessions of the first twelve weeks")
SITE_MEANINGS: Final = {text.render(): text for text in (BEGINS, KEEPS_COMING)}


@dataclass(frozen=True, slots=True)
class Artifact:
    """One version of one model, checked: its trees, its calibration and what is written about it."""

    spec: ModelSpec
    version: str
    folder: Path
    model_text: str
    slope: float  # Platt: log-odds = intercept + slope * raw score
    intercept: float
    bands: Bands
    meta: Mapping[str, Any]
    meaning: Text  # what the probability is of: a site's own label may be another one than the shipped


def open_artifact(spec: ModelSpec, root: Path = INSTALLED, version: str | None = None) -> Artifact:
    """The named version, or the current one, of a model.

    Raises `ArtifactRefused` when it is missing, damaged, or was trained for other features.
    """
    version = version or current_version(spec.name, root)
    folder = root / spec.name / version
    meta, model = _meta(folder), _bytes(folder / MODEL_FILE)
    _check_hash(folder, meta, model)
    _check_features(folder, meta, spec)
    try:
        return Artifact(
            spec=spec,
            version=version,
            folder=folder,
            model_text=model.decode("ascii"),
            slope=float(meta["calibration"]["slope"]),
            intercept=float(meta["calibration"]["intercept"]),
            bands=Bands(float(meta["bands"]["middle"]), float(meta["bands"]["high"])),
            meta=meta,
            meaning=_meaning(spec, str(meta["meaning"])),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactRefused(f"{folder / META_FILE}: cannot be used ({error!r})") from error


def current_version(name: str, root: Path = INSTALLED) -> str:
    """The promoted version of a model. Raises `ArtifactRefused` when none is."""
    version = promoted_versions(root).get(name)
    if version is None:
        raise ArtifactRefused(f"{root / CURRENT}: no current version of {name}")
    return version


def promoted_versions(root: Path = INSTALLED) -> dict[str, str | None]:
    """Each model's promoted version, as `current.json` has it; `None` where the model was retired."""
    try:
        found = json.loads(_bytes(root / CURRENT))
    except json.JSONDecodeError as error:
        raise ArtifactRefused(f"{root / CURRENT}: not JSON ({error})") from error
    if not isinstance(found, dict) or not all(isinstance(value, str | None) for value in found.values()):
        raise ArtifactRefused(f"{root / CURRENT}: expected a version for each model name")
    return found


def promote(spec: ModelSpec, version: str | None, root: Path = INSTALLED) -> None:
    """Makes a version current, checked first; `None` retires the model, and the rules go on alone.

    Raises `ArtifactRefused` when the version is not fit to be used or `current.json` cannot be written.
    """
    if version is not None:
        open_artifact(spec, root, version)
    current = promoted_versions(root) if (root / CURRENT).exists() else {}
    current[spec.name] = version
    path = root / f"{CURRENT}.new"
    try:
        path.write_text(json.dumps(dict(sorted(current.items())), indent=1) + "\n", encoding="utf-8")
        path.replace(root / CURRENT)  # whole or not at all: a worker may be starting
    except OSError as error:
        raise ArtifactRefused(f"{root / CURRENT}: cannot be written ({error.strerror})") from error


def versions_of(name: str, root: Path = INSTALLED) -> tuple[str, ...]:
    """All versions of a model on disk, in order of their names."""
    folder = root / name
    return tuple(sorted(path.parent.name for path in folder.glob(f"*/{META_FILE}")))


def columns_of(spec: ModelSpec) -> list[dict[str, Any]]:
    """The feature contract as it is written into `meta.json`: name, unit, block and constraint."""
    return [
        {
            "name": feature.name,
            "unit": feature.unit,
            "block": feature.block,
            "monotone": spec.monotone.get(feature.name, 0),
            "fhir": feature.fhir,
        }
        for feature in features_named(spec.features)
    ]


def _meaning(spec: ModelSpec, told: str) -> Text:
    return spec.meaning if told == spec.meaning.render() else SITE_MEANINGS.get(told, Text(told))


def _meta(folder: Path) -> Mapping[str, Any]:
    try:
        meta = json.loads(_bytes(folder / META_FILE))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ArtifactRefused(f"{folder / META_FILE}: not JSON ({error})") from error
    if not isinstance(meta, dict) or meta.get("layout") != LAYOUT:
        raise ArtifactRefused(f"{folder / META_FILE}: layout {LAYOUT} expected")
    return meta


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ArtifactRefused(f"{path}: cannot be read ({error.strerror})") from error


def _check_hash(folder: Path, meta: Mapping[str, Any], model: bytes) -> None:
    found = hashlib.sha256(model).hexdigest()
    if found != meta.get("model_sha256"):
        raise ArtifactRefused(f"{folder / MODEL_FILE}: is not the file that was trained (sha256 {found[:12]}…)")


def _check_features(folder: Path, meta: Mapping[str, Any], spec: ModelSpec) -> None:
    if meta.get("name") != spec.name:
        raise ArtifactRefused(f"{folder / META_FILE}: is a model for {meta.get('name')!r}, not {spec.name!r}")
    wanted = [(column["name"], column["unit"]) for column in columns_of(spec)]
    given = [(column.get("name"), column.get("unit")) for column in meta.get("features", [])]
    if given != wanted:
        odd = sorted({str(name) for name, _ in set(given) ^ set(wanted)}) or ["their order"]
        raise ArtifactRefused(f"{folder}: trained on other features than models/features.py: {', '.join(odd)}")
