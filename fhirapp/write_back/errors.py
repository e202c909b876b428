"""Why a write-back is not finished.

EhrError
├── EhrUnavailable
│   └── WriteBackUnfinished   something is still under way; another pass will see it
└── EhrRefused                (fhirapp/ehr/errors.py) a person must look
"""

from __future__ import annotations

from fhirapp.ehr.errors import EhrUnavailable


class WriteBackUnfinished(EhrUnavailable):
    """Something is still under way; another pass will see it."""
