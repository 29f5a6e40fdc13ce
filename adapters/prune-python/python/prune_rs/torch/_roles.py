"""The part that a parameter plays, as the class of its module tells: its axes, or why it is left dense."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase

import torch
from torch import nn

from prune_rs import LayerFacts, PruneError
from prune_rs.torch._layers import Layers, Place


@dataclass(frozen=True)
class Role:
    """The facts of a parameter that the class of its module tells."""

    kind: str
    dense: str | None = None
    """Why events leave it alone unless they name it."""
    axes: tuple[list[int], list[int]] | None = None
    """Its axes of inputs and of outputs."""
    bias: str | None = None
    """The attribute of the bias that goes with its outputs."""


_OUT_IN = ([1], [0])
_IN_OUT = ([0], [1])

_WEIGHTS: tuple[tuple[type[nn.Module], str, tuple[list[int], list[int]], str | None], ...] = (
    # class, prefix of the attribute, axes of inputs and of outputs, bias
    (nn.Linear, "weight", _OUT_IN, "bias"),
    (nn.Bilinear, "weight", ([1, 2], [0]), "bias"),
    (nn.modules.conv._ConvTransposeNd, "weight", _IN_OUT, "bias"),
    (nn.modules.conv._ConvNd, "weight", _OUT_IN, "bias"),
    (nn.MultiheadAttention, "in_proj_weight", _OUT_IN, "in_proj_bias"),
    (nn.MultiheadAttention, "q_proj_weight", _OUT_IN, None),
    (nn.MultiheadAttention, "k_proj_weight", _OUT_IN, None),
    (nn.MultiheadAttention, "v_proj_weight", _OUT_IN, None),
    (nn.RNNBase, "weight_", _OUT_IN, "bias_"),
    (nn.RNNCellBase, "weight_", _OUT_IN, "bias_"),
)

_NORMS: tuple[type[nn.Module], ...] = (
    nn.LayerNorm, nn.GroupNorm, nn.modules.batchnorm._NormBase, nn.PReLU, *([nn.RMSNorm] if hasattr(nn, "RMSNorm") else []),
)  # fmt: skip


def role_of(place: Place) -> Role:
    """The role of the parameter at a place."""
    owner, attribute = place.owner, place.attribute
    if isinstance(owner, nn.utils.parametrize.ParametrizationList):
        return _parametrised(place)
    # The old weight_norm and spectral_norm name their parameters after the weight.
    hooks = owner._forward_pre_hooks.values()
    if attribute.endswith("_g") and attribute[:-2] + "_v" in owner._parameters:
        return Role(type(owner).__name__, "the lengths that a weight norm scales by")
    if attribute.endswith("_v") and attribute[:-2] + "_g" in owner._parameters:
        attribute = attribute[:-2]
    elif attribute.endswith("_orig") and any(type(hook).__name__ == "SpectralNorm" for hook in hooks):
        attribute = attribute[: -len("_orig")]
    return _role_in(owner, attribute)


def _parametrised(place: Place) -> Role:
    """The role of a parameter behind torch.nn.utils.parametrize."""
    parametrised = place.around[-2]
    names = [name for name, held in place.around[-1]._modules.items() if held is place.owner]
    kinds = [type(step).__name__ for step in place.owner._modules.values() if step is not None]
    if kinds == ["_WeightNorm"] and place.attribute == "original1" or kinds == ["_SpectralNorm"]:
        return _role_in(parametrised, names[0])
    if kinds == ["_WeightNorm"]:
        return Role(type(parametrised).__name__, "the lengths that a weight norm scales by")
    return Role(type(parametrised).__name__, f"parametrised by {', '.join(kinds)}, which may fill what is zero")


def _role_in(owner: nn.Module, attribute: str) -> Role:
    kind = type(owner).__name__
    for class_, beginning, axes, bias in _WEIGHTS:
        if isinstance(owner, class_) and attribute.startswith(beginning):
            of_output = bias and (bias + attribute[len(beginning) :] if bias.endswith("_") else bias)
            return Role(kind, None, axes, of_output)
    if isinstance(owner, (nn.Embedding, nn.EmbeddingBag)):
        return Role(kind, "an embedding", _IN_OUT)
    if isinstance(owner, _NORMS):
        return Role(kind, "a norm or an activation")
    if kind == "Conv1D" and type(owner).__module__.startswith("transformers."):
        return Role(kind, None, _IN_OUT, "bias")
    if attribute in ("weight", "kernel") or attribute.startswith("weight_") or attribute.endswith("_weight"):
        return Role(kind)
    return Role(kind, "a parameter that its class does not tell to be a weight")


def facts_of(
    layers: Layers, also: Iterable[str], given: Mapping[str, LayerFacts] | None
) -> tuple[dict[str, LayerFacts], dict[str, str], set[str]]:
    """The facts of each layer; the layers of two axes or more that are left dense, with the reason; and the layers that
    patterns select.

    also: patterns of names that are weights whatever their class tells. given: facts that go before the classes'.
    """
    facts: dict[str, LayerFacts] = {}
    dense = dict(layers.closed)
    asked = _names_asked(layers, also)
    known = _given(layers, given)
    selectable = set(known) | asked
    for name, parameter in layers.parameters.items():
        if name in known:
            facts[name] = known[name]
            continue
        roles = _roles_of(layers, name)
        left = next(((place, role) for place, role in roles if role.dense is not None), None)
        # For a tied layer, the place where it is a weight gives the axes, whatever the order of places.
        place, role = next(((place, role) for place, role in roles if role.dense is None), roles[0])
        why = None if left is None else f"{left[1].dense} ({left[1].kind}{'' if left[0] == name else f' at `{left[0]}`'})"
        if not parameter.is_floating_point():
            why = f"its elements are of type {parameter.dtype} ({role.kind})"
        weight = name in asked or (why is None and parameter.ndim >= 2)
        if weight:
            selectable.add(name)
        inputs, outputs = role.axes or (None, None)
        bias = None if role.bias is None else layers.first_name(_beside(place, role.bias))
        facts[name] = LayerFacts(weight=weight, inputs=inputs, outputs=outputs, bias=bias, kind=role.kind)
        if not weight and parameter.ndim >= 2 and why is not None:
            dense[name] = f"{why}; `also=[{name!r}]` selects it"
    return facts, dense, selectable


def _roles_of(layers: Layers, name: str) -> list[tuple[str, Role]]:
    """The roles of a layer at all its places, by their names."""
    others = zip(layers.tied.get(name, ()), layers.elsewhere.get(name, ()))
    return [(name, role_of(layers.places[name])), *((other, role_of(place)) for other, (place, _) in others)]


def _given(layers: Layers, given: Mapping[str, LayerFacts] | None) -> dict[str, LayerFacts]:
    """The facts given, by the first names of layers."""
    if given is not None and not isinstance(given, Mapping):
        raise PruneError(f"layers: a dict from names to LayerFacts is needed, this is a {type(given).__name__}")
    known: dict[str, LayerFacts] = {}
    for name, facts in (given or {}).items():
        if not isinstance(name, str) or not isinstance(facts, LayerFacts):
            raise PruneError(f"layers: a dict from names to LayerFacts is needed, `{name}` has a {type(facts).__name__}")
        first = layers.first_name(name)
        if first not in layers.parameters:
            raise PruneError(f"layers: the module has no layer `{name}`{near(name, layers.parameters)}")
        known[first] = facts
    return known


def _beside(name: str, attribute: str) -> str:
    around, dot, _ = name.rpartition(".")
    return around + dot + attribute


def _names_asked(layers: Layers, also: Iterable[str]) -> set[str]:
    patterns = also if isinstance(also, Iterable) and not isinstance(also, (str, bytes, torch.Tensor)) else None
    patterns = None if patterns is None else list(patterns)
    if patterns is None or not all(isinstance(pattern, str) for pattern in patterns):
        raise PruneError(f"also: a list of names or patterns such as ['embed.*'] is needed, this is {also!r}")
    asked: set[str] = set()
    for pattern in patterns:
        names = ((name, (name, *layers.tied.get(name, ()))) for name in layers.parameters)
        found = [name for name, called in names if any(fnmatchcase(one, pattern) for one in called)]
        if not found:
            raise PruneError(f"also: no layer is called `{pattern}`{near(pattern, layers.parameters)}")
        for name in found:
            if not layers.parameters[name].is_floating_point():
                raise PruneError(f"also: layer `{name}` has elements of type {layers.parameters[name].dtype}, not floating ones")
        asked.update(found)
    return asked


def near(name: str, known: Iterable[str]) -> str:
    """The nearest known name, as the end of a refusal."""
    found = get_close_matches(name, list(known), n=1, cutoff=0.4)
    return f"; did you mean `{found[0]}`?" if found else ""
