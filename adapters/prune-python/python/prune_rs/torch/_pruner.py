"""The pruner: carries out a strategy on a module while an optimiser trains it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NoReturn

import prune_rs
import torch
from prune_rs import LayerFacts, PruneError
from prune_rs.torch._evidence import Inputs, Tensors, arrays_of, gradients_of, inputs_of, replaces_steps
from prune_rs.torch._fit import by_first_names, joined, must_fit, refuse_closed
from prune_rs.torch._forward import straight_through
from prune_rs.torch._hold import Holder
from prune_rs.torch._hooks import Attachment, must_be_optimizer, must_see_gradients
from prune_rs.torch._layers import Layers, layers_of
from prune_rs.torch._report import Report
from prune_rs.torch._roles import facts_of
from prune_rs.torch._take_over import find_pruned
from prune_rs.torch._views import HostModel


class Pruner:
    """Carries out a strategy on a module, in place, and holds what it prunes at zero after every step of an optimiser.

    module: any torch.nn.Module, on any device. Its parameters are the layers, under the names of `named_parameters()`
    (without what torch.compile puts into them); of tied parameters the first name counts,
    and the others are understood. A module that
    torch.nn.utils.prune has pruned is taken over: see `take_over`.
    strategy: a Strategy, a dict or a text. optimizer: as for `attach`; more can follow.
    masks: the masks in force of a module that has been pruned before.
    also: names, or patterns such as "embed.*", of layers that are weights though their class does not say so.
    layers: a dict from names to LayerFacts, which go before what classes tell.
    defaults: the axis of N:M where none is written, "library" for the last or "files" for the first of the inputs.
    couplings: lists of (name, axis), the channels of which are kept or pruned together.

    Raises PruneError naming the layer, the value and a way out. Module and pruner are then as they were.
    """

    def __init__(
        self,
        module: torch.nn.Module,
        strategy: Any,
        optimizer: torch.optim.Optimizer | None = None,
        *,
        masks: Any = None,
        also: Iterable[str] = (),
        layers: Mapping[str, LayerFacts] | None = None,
        defaults: Literal["library", "files"] = "library",
        couplings: Any = None,
    ) -> None:
        strategy = strategy if isinstance(strategy, prune_rs.Strategy) else prune_rs.Strategy(strategy)
        if not isinstance(defaults, str) or defaults not in ("library", "files"):
            raise PruneError(f"defaults must be 'library' or 'files', this is {defaults!r}")
        # Every check comes before the module is touched.
        self._layers = layers_of(module)
        pruned = find_pruned(module, self._layers)
        facts, self.left_dense, selectable = facts_of(self._layers, also, layers)
        """Layers of two axes or more that events do not select without being told their names, and why."""
        strategy = by_first_names(strategy, self._layers, selectable)
        refuse_closed(strategy, self._layers)
        in_force = joined(pruned.masks, masks, self._layers)
        self._facts = {"defaults": defaults, "couplings": couplings, "layers": facts}
        self._pruner = prune_rs.Pruner(strategy, in_force, **self._facts)
        # Kept here for the check after every step, since each access to the strategy copies it.
        self._has_steps = strategy.has_steps
        self._looks_first = self._has_steps or strategy.observes
        self._replaces = replaces_steps(strategy)
        if optimizer is not None:
            self._must_be_attachable(optimizer)
        self._holder = Holder(self._layers)
        self._attached: list[Attachment] = []
        self.reports: list[Report] = []
        """The reports of the events, those at steps too. They are not part of the state."""
        self._holder.set_masks(self._pruner.held)
        pruned.commit()
        self.hold()
        if optimizer is not None:
            self.attach(optimizer)

    def attach(self, optimizer: torch.optim.Optimizer) -> None:
        """Holds the layers, and what the optimiser keeps for them, after every step of it from now on.

        Everything floating in `optimizer.state` of a layer's shape is held, parameters that are added later too. What
        else it keeps stands in `left_in_optimizers`, with the reason, and is warned of once. Where the strategy has events
        at steps, or looks at gradients, the pruner does its part before and after each step by itself.

        Raises PruneError where the optimiser has none of the module's parameters, or where steps are counted and another
        optimiser is attached already, or another pruner's update and this one's part would meet in the optimiser's steps.
        """
        if any(attachment.optimizer is optimizer for attachment in self._attached):
            raise PruneError("this optimiser is attached already")
        if self._attached and self._has_steps:
            raise PruneError(
                "the strategy counts steps, and the steps of two optimisers cannot both count; attach none, and call "
                "before_step() and after_step() around the steps of both"
            )
        self._must_be_attachable(optimizer)
        looks_first, replaces = self._looks_first, self._replaces
        self._attached.append(Attachment(optimizer, self._before, self._after, looks_first=looks_first, replaces=replaces))
        self.hold()

    def detach(self, optimizer: torch.optim.Optimizer | None = None) -> None:
        """Takes the hooks off an optimiser, or off all."""
        gone = [attachment for attachment in self._attached if optimizer is None or attachment.optimizer is optimizer]
        if optimizer is not None and not gone:
            raise PruneError("this optimiser is not attached")
        for attachment in gone:
            attachment.remove()
            self._holder.forget(attachment.optimizer)
        self._attached = [attachment for attachment in self._attached if attachment not in gone]

    def check(self) -> list[str]:
        """Tests every event still to come, before any training. Returns what is worth a warning, in words."""
        warnings: list[str] = self._pruner.check(self._model())
        return warnings

    def start(
        self,
        *,
        gradients: Tensors | None = None,
        inputs: Inputs | None = None,
        scores: Tensors | None = None,
        rewind: Tensors | None = None,
    ) -> Report | None:
        """Begins: carries out the event at epoch 0, if there is one. The same as end_epoch(0)."""
        return self.end_epoch(0, gradients=gradients, inputs=inputs, scores=scores, rewind=rewind)

    def end_epoch(
        self,
        epoch: int,
        *,
        gradients: Tensors | None = None,
        inputs: Inputs | None = None,
        scores: Tensors | None = None,
        rewind: Tensors | None = None,
    ) -> Report | None:
        """Ends an epoch that has trained, counted from 1: carries out its event in place, if there is one, and returns its
        Report, else None. All masks are made before the first weight is written.

        gradients, scores: tensors by name, shaped as the weights. inputs: the L2 norms of each layer's inputs, shaped as
        the weights without their axis of outputs, or a function (name, Masks) that measures them. rewind: the weights to go
        back to, as module.state_dict() gave them.
        """
        model = self._model()
        evidence = {
            "gradients": arrays_of("gradients", gradients, self._layers),
            "inputs": inputs_of(inputs, self._layers),
            "scores": arrays_of("scores", scores, self._layers),
            "rewind": arrays_of("rewind", rewind, self._layers, others_too=False),
        }
        return self._ended(model, self._pruner.end_epoch(epoch, model, buffers=self._buffers(), **evidence))

    def before_step(self) -> bool:
        """Begins a step that no optimiser is attached for, between loss.backward() and optimizer.step(). Returns whether
        the optimiser is to step: where it returns False, the step's event takes the place of that. `after_step` follows
        either way."""
        self._must_not_count("before_step")
        return self._before(None)

    def after_step(self) -> Report | None:
        """Ends a step that no optimiser is attached for: holds the layers, and carries out the step's event, if there is one."""
        self._must_not_count("after_step")
        return self._after()

    def observe(self, gradients: Tensors | None = None) -> None:
        """Takes note of the gradients of one backward pass, those in `.grad` unless given, for an event that asks for them
        before or between the steps of an attached optimiser, which shows its own."""
        shown = gradients_of(self._layers) if gradients is None else gradients
        self._pruner.observe(arrays_of("gradients", shown, self._layers) or {})

    def hold(self) -> None:
        """Writes +0.0 outside the masks in force, in the weights and in what attached optimisers keep for them. A graph that
        still needs the weights from before refuses to run backward."""
        self._hold()
        self._holder.mark_written()

    def revivals(self) -> int:
        """The number of elements outside the masks that are not zero, in the weights and in what attached optimisers keep."""
        return self._holder.revivals(self._pruner, self._optimizers())

    def forward_parameters(self) -> dict[str, torch.Tensor]:
        """The parameters that the next forward pass is to use, for torch.func.functional_call: under "straight_through"
        those that the masks of the weights as they are now keep, else 0, with gradients that pass straight through."""
        masks = self._pruner.forward_masks(self._model())
        parameters = dict(self._layers.current())
        for name, mask in masks.items():
            weight = parameters[name]
            kept = torch.from_numpy(mask.to_numpy()).to(weight.device)
            parameters[name] = straight_through(weight, kept)
        return parameters

    @property
    def masks(self) -> prune_rs.Masks:
        """The masks as they were last made and applied. A copy."""
        return self._pruner.masks

    @property
    def strategy(self) -> prune_rs.Strategy:
        """The strategy that it carries out."""
        return self._pruner.strategy

    @property
    def tied(self) -> dict[str, list[str]]:
        """The other names of layers that have several."""
        return {name: list(others) for name, others in self._layers.tied.items()}

    @property
    def left_in_optimizers(self) -> dict[str, str]:
        """The state that attached optimisers keep for masked layers and that is not held, as "layer: key", with the reason."""
        return dict(self._holder.state.left)

    def state_dict(self) -> dict[str, Any]:
        """All that the pruner knows, as plain values: save it beside those of module and optimiser."""
        state: dict[str, Any] = self._pruner.state_dict()
        return state

    def load_state_dict(self, state: Any) -> None:
        """Goes on from a saved state, and holds the layers to its masks.

        Raises PruneError, before anything is changed, for a state of another strategy or of other layers.
        """
        loaded = prune_rs.Pruner.from_state_dict(state, **self._facts)
        must_fit(self._layers, loaded.masks)
        self._layers.current()
        self._pruner.load_state_dict(state)
        self._holder.set_masks(self._pruner.held)
        self.hold()

    def __reduce__(self) -> NoReturn:
        raise PruneError(
            "a pruner stands for one module and its optimisers, and is neither pickled nor copied; save its state_dict(), make "
            "a new Pruner over the other module, and load that"
        )

    def __repr__(self) -> str:
        return f"{self._pruner!r} of {len(self._layers.parameters)} layers, {len(self._attached)} optimisers attached"

    def _model(self) -> HostModel:
        return HostModel(self._layers.current)

    def _optimizers(self) -> list[torch.optim.Optimizer]:
        return [attachment.optimizer for attachment in self._attached]

    def _hold(self) -> None:
        """As `hold`, where a step or an event has just written the weights, and autograd knows of it."""
        self._holder.hold(self._pruner, self._optimizers())

    def _must_be_attachable(self, optimizer: torch.optim.Optimizer) -> None:
        self._layers.must_be_moved_by(must_be_optimizer(optimizer))
        if self._looks_first:
            must_see_gradients(optimizer, self._replaces)

    def _must_not_count(self, call: str) -> None:
        if self._attached and self._has_steps:
            raise PruneError(f"the attached optimiser counts its steps itself, {call}() would count them twice; detach() it first")

    def _before(self, optimizer: torch.optim.Optimizer | None) -> bool:
        """Shows the gradients where they are looked at, and says whether the optimiser is to step."""
        replaces = self._has_steps and self._pruner.replaces_step(self._pruner.step_in_training)
        if self._pruner.observes:
            self._pruner.observe(arrays_of("gradients", gradients_of(self._layers, optimizer), self._layers) or {})
        return not replaces

    def _after(self) -> Report | None:
        # The hold comes before the event, which may open elements that the optimiser has just moved outside the masks.
        self._hold()
        if not self._has_steps:
            return None
        model = self._model()
        report = self._pruner.end_step(self._pruner.step_in_training, model, buffers=self._buffers())
        return None if report is None else self._ended(model, report)

    def _buffers(self) -> list[Any] | None:
        """Sets of buffers for an event: none are left where optimisers are attached, since `_ended` holds theirs."""
        return [] if self._attached else None

    def _ended(self, model: HostModel, report: prune_rs.Report | None) -> Report | None:
        """Brings an event to the devices and the optimisers' buffers."""
        if report is None:
            return None
        self._holder.set_masks(self._pruner.held)
        if not (report.forward_only or report.unchanged):
            model.write_back(None if report.rewound_to is not None else {layer.layer for layer in report.layers})
        self._hold()
        self.reports.append(Report(report, self.left_dense))
        return self.reports[-1]
