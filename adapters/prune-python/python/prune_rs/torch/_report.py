"""A report that says also what the module's classes left dense."""

from __future__ import annotations

from typing import Any

import prune_rs


class Report:
    """The report of an event: every figure of `prune_rs.Report`, and the layers that were left dense.

    str() of it is an aligned table, and a line for each layer left dense.
    """

    def __init__(self, report: prune_rs.Report, left_dense: dict[str, str]) -> None:
        self.report = report
        """The report of the event itself."""
        self.left_dense = left_dense
        """Layers of two axes or more that no event selects without being told their names, and why."""

    def __getattr__(self, name: str) -> Any:
        if name == "report":
            raise AttributeError(name)
        return getattr(self.report, name)

    def to_dict(self) -> dict[str, Any]:
        """Every figure, as dicts and lists."""
        return {**self.report.to_dict(), "left_dense": dict(self.left_dense)}

    def __str__(self) -> str:
        selected = {layer.layer for layer in self.report.layers}
        lines = [f"left dense: {name}, {why}" for name, why in self.left_dense.items() if name not in selected]
        return "\n".join([str(self.report).rstrip("\n"), *lines])

    def __repr__(self) -> str:
        return str(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Report) and (self.report, self.left_dense) == (other.report, other.left_dense)
