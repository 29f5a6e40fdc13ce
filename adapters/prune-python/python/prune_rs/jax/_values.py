"""Arguments that are plain values: of the type that is asked for, or a PruneError that names them."""

from typing import Any

import numpy as np

from prune_rs import PruneError


def text(name: str, value: Any) -> str:
    """A text."""
    if not isinstance(value, str):
        raise PruneError(f"{name} must be a text, this is {_said(value)}")
    return value


def choice(name: str, value: Any, *among: str) -> str:
    """One of a few texts."""
    if not isinstance(value, str) or value not in among:
        raise PruneError(f"{name} is {_said(value)}; it can be {' or '.join(map(repr, among))}")
    return value


def whole(name: str, value: Any) -> int:
    """A whole number."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise PruneError(f"{name} must be a whole number, this is {_said(value)}")
    return int(value)


def flag(name: str, value: Any) -> bool:
    """True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise PruneError(f"{name} must be True or False, this is {_said(value)}")
    return bool(value)


def _said(value: Any) -> str:
    """A value as an error shows it: plain ones in full, others by type."""
    plain = value is None or isinstance(value, (str, int, float))
    return repr(value) if plain else f"a {type(value).__name__}"
