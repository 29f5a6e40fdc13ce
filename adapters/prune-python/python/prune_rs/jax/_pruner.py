"""A pruner for pytrees, which are not changed but returned."""

from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

import prune_rs
from prune_rs import Masks, PruneError, Report, Strategy
from prune_rs.jax._apply import apply_masks, mask_tree, named_masks
from prune_rs.jax._names import Tree, checked_sep, named_arrays, path_name
from prune_rs.jax._values import choice


class Pruner:
    """Carries out a strategy on a pytree of parameters: makes masks when their epoch has trained, and returns the parameters
    with them applied. The parameters that it is given are not changed.

    strategy: a prune_rs.Strategy, a dict or a text. masks: those in force of a model that has been pruned before. The pruner
    of torch applies them at once; this one has no parameters yet, and applies them at the first event. Until then call
    apply_masks(params, masks), and set_masks for an optimiser that is held. sep: what
    stands between the keys of a path in names of layers. defaults, couplings and layers are those of prune_rs.Pruner.

    `gradients`, `scores` and `rewind` are pytrees of the parameters' structure, for methods that look at them; `inputs` is a
    pytree or a dict by names of the L2 norms of each layer's inputs, or a function (name, Masks) that measures them.

    Raises PruneError naming epoch, layer and value; the pruner is then as it was.
    """

    def __init__(
        self,
        strategy: Any,
        masks: Any = None,
        *,
        sep: str = "-",
        defaults: Literal["library", "files"] = "library",
        couplings: Any = None,
        layers: Any = None,
    ) -> None:
        given = None if masks is None else named_masks(masks, sep=sep)
        self.sep = checked_sep(sep)
        choice("defaults", defaults, "library", "files")
        self.native = prune_rs.Pruner(strategy, given, defaults=defaults, couplings=couplings, layers=layers)
        # Kept here, since the native half copies its strategy on each access.
        self._has_steps = self.native.strategy.has_steps

    def check(self, params: Tree) -> list[str]:
        """Tests every event still to come, before any training. Returns what is worth a warning, in words."""
        return self.native.check(self._named(params))

    def start(self, params: Tree, **evidence: Any) -> tuple[Tree, Report | None]:
        """Begins: carries out the event at epoch 0, if there is one. The same as end_epoch(0, params)."""
        return self._end(params, evidence, epoch=0)

    def end_epoch(self, epoch: int, params: Tree, **evidence: Any) -> tuple[Tree, Report | None]:
        """Ends an epoch that has trained: returns the parameters, masked by its event, and the event's report.

        Without an event, the parameters are the same ones, and the report is None. evidence: gradients, inputs, scores,
        rewind. To hold an optimiser by the new masks, call `set_masks(opt_state, pruner.held)`.
        """
        return self._end(params, evidence, epoch=epoch)

    def end_step(self, step: int, params: Tree, **evidence: Any) -> tuple[Tree, Report | None]:
        """Ends a step of the optimiser, counted from 1 over the whole training; as end_epoch. Needed only where the strategy
        has events in steps, and then after every step.
        """
        return self._end(params, evidence, step=step) if self._has_steps else (params, None)

    def before_step(self, gradients: Tree) -> bool:
        """Takes note of a step's gradients, and returns whether the optimiser is to move the parameters. Where it returns
        False, the event at end_step takes the place of the optimiser's step.
        """
        # Gradients are brought to the host only if the pruner looks at them.
        return self.native.before_step(self._named(gradients) if self.native.observes else {})

    def masks(self, params: Tree, *, complete: bool = False) -> Tree:
        """The masks that stay in force between events as a pytree of params' structure; see mask_tree."""
        return mask_tree(self.held, params, sep=self.sep, complete=complete)

    def forward_masks(self, params: Tree, **evidence: Any) -> Masks:
        """The masks that the next forward pass is to use; they differ from `held` under "straight_through" alone."""
        return self.native.forward_masks(self._named(params), **self._evidence(evidence, "gradients", "inputs", "scores"))

    @property
    def held(self) -> Masks:
        """The masks that stay in force between events: what hold and set_masks are given. A copy."""
        return self.native.held

    @property
    def strategy(self) -> Strategy:
        """The strategy that it carries out."""
        return self.native.strategy

    def state_dict(self) -> dict[str, Any]:
        """All that the pruner knows, as a dict of plain values: save it beside the parameters."""
        return self.native.state_dict()

    def load_state_dict(self, state: Any) -> None:
        """Goes on from a saved state. Raises PruneError for a state of another strategy."""
        self.native.load_state_dict(state)

    def __repr__(self) -> str:
        return f"<jax {repr(self.native).lstrip('<')}"

    def _named(self, tree: Tree) -> dict[str, Any]:
        return named_arrays(tree, sep=self.sep)

    def _evidence(self, evidence: dict[str, Any], *among: str) -> dict[str, Any]:
        unknown = set(evidence).difference(among)
        if unknown:
            raise PruneError(f"there is no argument {', '.join(sorted(unknown))}; pass {', '.join(among)}")
        return {
            kind: tree if tree is None or callable(tree) else self._named(tree) for kind, tree in evidence.items()
        }

    def _end(self, params: Tree, evidence: dict[str, Any], **moment: Any) -> tuple[Tree, Report | None]:
        named = self._named(params)
        found = self._evidence(evidence, "gradients", "inputs", "scores", "rewind")
        prepared = self.native.prepare(named, **moment, **found)
        if prepared is None:
            self.native.pass_by(**moment)
            return params, None
        written = params
        if prepared.rewinds_to is not None:
            written = self._rewound(params, evidence["rewind"])
        written = apply_masks(written, prepared.writes, sep=self.sep)
        return written, self.native.commit_written(prepared, self._named(written))

    def _rewound(self, params: Tree, rewind: Tree) -> Tree:
        """The parameters of another moment, in the containers and places of these."""
        then = self._named(rewind)

        def back(path: tuple[Any, ...], leaf: Any) -> Any:
            found = then.get(path_name(path, self.sep))
            return leaf if found is None else _copied_like(found, leaf)

        return jax.tree_util.tree_map_with_path(back, params)


def _copied_like(found: Any, leaf: Any) -> Any:
    """A copy of an array, of a leaf's type and on its devices."""
    if not isinstance(leaf, jax.Array):
        return np.array(found, leaf.dtype)
    copied = jnp.array(found, leaf.dtype)
    return jax.device_put(copied, leaf.sharding) if leaf.committed else copied
