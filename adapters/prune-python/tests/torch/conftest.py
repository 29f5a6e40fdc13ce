"""Tests that need torch: all of this folder, under the marker `torch`."""

import importlib.util
import pathlib

import pytest

HERE = pathlib.Path(__file__).parent
# This folder can itself be found as `torch`, but then without an origin.
found = importlib.util.find_spec("torch")
if found is None or found.origin is None:
    collect_ignore_glob = ["test_*.py"]


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.torch)


@pytest.fixture
def elsewhere(monkeypatch):
    """Treats every tensor as one of another device: host copies, and masks that select there."""
    from prune_rs.torch import _views

    monkeypatch.setattr(_views, "in_place", lambda tensor: False)
