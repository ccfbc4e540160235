"""The artifact that CrossValidator writes."""

from __future__ import annotations

from tfx.types.artifact import Artifact


class CrossValidationArtifact(Artifact):
    """A folder with one `cross_validation.json`; `CrossValidation.read` reads it.

    >>> from components import CrossValidationArtifact
    >>> CrossValidationArtifact.TYPE_NAME
    'components.CrossValidationArtifact'
    """

    TYPE_NAME = "components.CrossValidationArtifact"
