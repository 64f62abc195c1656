"""Shared aliases; imports nothing of ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

Scalar: TypeAlias = "str | int | float | bool | None"
"""A tag or parameter value: what JSON can hold without nesting."""

Document: TypeAlias = "dict[str, Any]"
"""One JSON object of the document layer."""

Documents: TypeAlias = "Mapping[str, Any]"

Digest: TypeAlias = str
"""SHA-256 of a blob's bytes: 64 lower-case hexadecimal digits."""
