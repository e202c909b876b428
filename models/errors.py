"""What can go wrong in the deciding room.

ModelsError
    ArtifactRefused     a trained model on disk is missing, damaged or made for other features
    TrainingRefused     a table cannot be trained on or scored: what is wrong, and where
"""

from __future__ import annotations


class ModelsError(Exception):
    """The root of all errors of this package."""


class ArtifactRefused(ModelsError):
    """A trained model is not what it should be; the service goes on with the rules alone."""


class TrainingRefused(ModelsError):
    """A table or a setting cannot be used for training or scoring; the message names the place."""
