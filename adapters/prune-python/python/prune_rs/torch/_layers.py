"""The parameters of a module as layers: named, those that are tied seen as one, those that cannot be had set apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy
import torch
from prune_rs import PruneError
from prune_rs.torch._views import weight_view, why_closed
from torch.nn.utils.prune import BasePruningMethod

_WRAPPERS = ("_orig_mod", "_checkpoint_wrapped_module")
"""Segments that torch.compile and activation checkpointing put into names."""


@dataclass(frozen=True)
class Place:
    """The place of a parameter: the module, the name it has there, and the modules around it, outermost first."""

    owner: torch.nn.Module
    attribute: str
    around: tuple[torch.nn.Module, ...]

    def now(self) -> torch.Tensor | None:
        """The parameter that is held there now."""
        return self.owner._parameters.get(self.attribute)

    def holds(self, parameter: torch.Tensor) -> bool:
        """True if it is this one."""
        return self.now() is parameter


@dataclass
class Layers:
    """The parameters of a module by name, in the module's order."""

    parameters: dict[str, torch.Tensor] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    tied: dict[str, list[str]] = field(default_factory=dict)
    """The other names of a layer, where it has several."""
    elsewhere: dict[str, list[tuple[Place, torch.Tensor]]] = field(default_factory=dict)
    """The places that those names stand for, and the parameter object at each."""
    twins: dict[str, list[torch.Tensor]] = field(default_factory=dict)
    """Other parameter objects over the memory of a layer."""
    closed: dict[str, str] = field(default_factory=dict)
    """Parameters whose elements cannot be had, and why."""

    def first_name(self, name: str) -> str:
        """The name under which a layer goes, whichever of its names this is; the name itself where there is no such layer."""
        if name in self.parameters:
            return name
        return next((first for first, others in self.tied.items() if name in others), name)

    def must_be_moved_by(self, optimizer: torch.optim.Optimizer) -> None:
        """Raises PruneError where an optimiser has none of the parameters."""
        objects = {id(p) for p in self.parameters.values()} | {id(p) for ps in self.twins.values() for p in ps}
        if not any(id(parameter) in objects for group in optimizer.param_groups for parameter in group["params"]):
            raise PruneError(
                "the optimiser has none of the module's parameters; make it from module.parameters() of this very module"
            )

    def current(self) -> dict[str, torch.Tensor]:
        """The parameters, which must be those that were listed."""
        for name in self.parameters:
            self.must_be_here(name)
        return self.parameters

    def must_be_here(self, name: str) -> torch.Tensor:
        """The parameter of a layer.

        Raises PruneError where the module holds another one by now, at any place of a tied one, and where two parameters
        that shared memory have come apart.
        """
        parameter = self.parameters[name]
        if not self.places[name].holds(parameter):
            raise PruneError(f"layer `{name}`: {_REPLACED}")
        for (place, other), called in zip(self.elsewhere.get(name, ()), self.tied.get(name, ())):
            if not place.holds(other):
                raise PruneError(f"layer `{name}`, tied to `{called}`: {_REPLACED}")
            if other is not parameter and other.data_ptr() != parameter.data_ptr():
                raise PruneError(
                    f"layer `{name}`: it shared its memory with `{called}`, and no longer does, as after a cast or a move of two "
                    "parameters over one memory; make one parameter of them, as in `head.weight = embedding.weight`, and a new "
                    "Pruner over the module"
                )
        return parameter


_REPLACED = (
    "the module holds another parameter than when the pruner was made; make a new Pruner over the module and hand it the "
    "state: `new.load_state_dict(old.state_dict())`"
)


def plain_name(name: str) -> str:
    """A name without what torch.compile puts into it."""
    return ".".join(segment for segment in name.split(".") if segment not in _WRAPPERS)


def torch_pruned(owner: torch.nn.Module) -> list[str]:
    """The attributes of a module that torch.nn.utils.prune has pruned."""
    hooks = owner._forward_pre_hooks.values()
    return [hook._tensor_name for hook in hooks if isinstance(hook, BasePruningMethod)]


def layers_of(module: torch.nn.Module) -> Layers:
    """The parameters of a module, frozen ones too. Of tied parameters the first name counts.
    A parameter that torch.nn.utils.prune has pruned goes under the name that it has when it is taken over.

    Raises PruneError for a module without values (on the device `meta`, or not initialised), and where two parameters
    share part of their memory.
    """
    if not isinstance(module, torch.nn.Module):
        raise PruneError(f"a torch.nn.Module is needed, this is a {type(module).__name__}")
    layers = Layers()
    first: dict[object, str] = {}
    for name, place, parameter in _walk(module, "", ()):
        known = first.get(id(parameter))
        if known is None and why_closed(parameter) is None:
            memory = (parameter.device, parameter.data_ptr(), parameter.shape, parameter.stride(), parameter.dtype)
            known = first.setdefault(memory, name) if parameter.numel() else None
            if known is not None and known != name:
                layers.twins.setdefault(known, []).append(parameter)
        first.setdefault(id(parameter), known or name)
        if known is not None and known != name:
            layers.tied.setdefault(known, []).append(name)
            layers.elsewhere.setdefault(known, []).append((place, parameter))
            continue
        _add(layers, name, place, parameter)
    _refuse_overlaps(layers)
    return layers


def _walk(
    module: torch.nn.Module, prefix: str, around: tuple[torch.nn.Module, ...]
) -> Iterator[tuple[str, Place, torch.Tensor]]:
    pruned = {f"{attribute}_orig": attribute for attribute in torch_pruned(module)}
    for attribute, parameter in module._parameters.items():
        if parameter is not None:
            attribute = pruned.get(attribute, attribute)
            yield plain_name(prefix + attribute), Place(module, attribute, around), parameter
    for name, child in module._modules.items():
        if child is not None:
            yield from _walk(child, f"{prefix}{name}.", (*around, module))


def _add(layers: Layers, name: str, place: Place, parameter: torch.Tensor) -> None:
    why = why_closed(parameter)
    if why is not None:
        if parameter.is_meta or torch.nn.parameter.is_lazy(parameter):
            raise PruneError(f"layer `{name}`: {why}")
        layers.closed[name] = why
        return
    layers.parameters[name] = parameter
    layers.places[name] = place


def _refuse_overlaps(layers: Layers) -> None:
    """Refuses parameters that share part of their memory: a mask of one would write the other."""
    by_storage: dict[tuple[torch.device, int], list[str]] = {}
    for name, parameter in layers.parameters.items():
        if parameter.numel():
            storage = (parameter.device, parameter.untyped_storage().data_ptr())
            by_storage.setdefault(storage, []).append(name)
    for names in by_storage.values():
        reaching: list[tuple[int, str]] = []
        for (start, end), name in sorted((_span(layers.parameters[name]), name) for name in names):
            # All layers that reach past the start of this one count, not only the last: a long one may reach over the
            # last.
            reaching = [(reach, before) for reach, before in reaching if reach > start]
            for _, before in reaching:
                if _share(layers.parameters[before], layers.parameters[name]):
                    raise PruneError(
                        f"layer `{name}`: it shares part of its memory with `{before}`, in another shape or order, so that a "
                        "mask of one would change the other; give one of them memory of its own with `clone()`"
                    )
            reaching.append((end, name))


def _span(tensor: torch.Tensor) -> tuple[int, int]:
    """The first byte of a tensor, and the one behind its last."""
    start: int = tensor.data_ptr()
    reach = sum((length - 1) * step for length, step in zip(tensor.shape, tensor.stride()))
    return start, start + (reach + 1) * tensor.element_size()


def _share(one: torch.Tensor, other: torch.Tensor) -> bool:
    if not (one.is_cpu and other.is_cpu):
        return True
    arrays = [getattr(array, "array", array) for array in (weight_view(one), weight_view(other))]
    return bool(numpy.shares_memory(arrays[0], arrays[1]))
