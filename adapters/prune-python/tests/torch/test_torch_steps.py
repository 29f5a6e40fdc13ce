"""Events at steps: sparse training that takes the place of an optimiser's step, and gradients that events look at."""

import numpy as np
import pytest
import torch
from models import kept_by_sorting, mlp, trained
from prune_rs import PruneError
from prune_rs.torch import Pruner
from torch import nn

RANDOM = {0: {"method": "unstr_unified_local", "density": 0.25, "score": "random"}}
RIGL = {**RANDOM, "3..=9 steps": {"method": "rigl", "every": 3}}
SET = {**RANDOM, "3..=9 steps": {"method": "set", "every": 3, "fraction": 0.3}}


@pytest.mark.parametrize("strategy", [RIGL, SET], ids=["rigl", "set"])
@pytest.mark.parametrize("by_hand", [False, True])
def test_an_update_takes_the_place_of_the_step(strategy, by_hand):
    module = mlp()
    optimizer = torch.optim.SGD(module.parameters(), 0.1, momentum=0.9)
    pruner = Pruner(module, strategy, None if by_hand else optimizer)
    pruner.start()
    kept = {name: mask.kept for name, mask in pruner.masks.items()}
    updates = []
    for step in range(1, 11):
        optimizer.zero_grad()
        module(torch.randn(8, 12)).square().mean().backward()
        gradient = module[0].weight.grad.clone()
        before, masks = module[0].bias.detach().clone(), pruner.masks
        moved = True
        if by_hand:
            moved = pruner.before_step()
            if moved:
                optimizer.step()
            pruner.after_step()
        else:
            optimizer.step()
            moved = not torch.equal(before, module[0].bias)
        assert torch.equal(module[0].weight.grad, gradient)
        assert torch.equal(before, module[0].bias) is not moved
        if not moved:
            updates.append(step)
            assert pruner.masks != masks and pruner.reports[-1].step == step
        else:
            assert pruner.masks == masks
        assert pruner.revivals() == 0 and {name: mask.kept for name, mask in pruner.masks.items()} == kept
    assert updates == [3, 6] or updates == [3, 6, 9], updates


def test_rigl_opens_where_the_gradient_of_the_dense_weight_is_greatest():
    module = mlp()
    optimizer = torch.optim.SGD(module.parameters(), 0.1)
    pruner = Pruner(module, RIGL, optimizer)
    pruner.start()
    trained(module, optimizer, 2)
    before = pruner.masks["0.weight"].to_numpy()
    optimizer.zero_grad()
    module(torch.randn(8, 12)).square().mean().backward()
    gradient = module[0].weight.grad.abs().numpy().copy()
    weight = module[0].weight.detach().abs().numpy().copy()
    optimizer.step()
    after = pruner.masks["0.weight"].to_numpy()
    opened, closed = after & ~before, before & ~after
    assert opened.sum() == closed.sum() > 0
    assert gradient[opened].min() >= gradient[~before & ~opened].max()
    # A dropped weight with a gradient as great as an opened one's is opened again and does not change.
    never_dropped = before & after & (gradient < gradient[opened].min())
    assert weight[closed].max() <= weight[never_dropped].min()
    assert (module[0].weight.detach().numpy()[opened] == 0).all()


def test_gradients_observed_before_training_rank_by_snip():
    module = mlp()
    pruner = Pruner(module, {0: {"method": "unstr_unified_local", "density": 0.2, "score": "snip"}})
    module(torch.randn(8, 12)).square().mean().backward()
    score = (module[0].weight.double() * module[0].weight.grad.double()).detach().numpy()
    pruner.observe()
    pruner.start()
    assert np.array_equal(pruner.masks["0.weight"].to_numpy(), kept_by_sorting(score, 0.2))
    given = mlp()
    other = Pruner(given, {0: {"method": "unstr_unified_local", "density": 0.2, "score": "snip"}})
    other.start(gradients={name: parameter.grad for name, parameter in module.named_parameters()})
    assert other.masks == pruner.masks


def test_the_attached_optimiser_shows_gradients_before_they_are_masked():
    strategy = {**RANDOM, 1: {"method": "unstr_unified_local", "density": 0.1, "score": "saliency"}}
    module = mlp()
    optimizer = torch.optim.SGD(module.parameters(), 0.1)
    pruner = Pruner(module, strategy, optimizer)
    pruner.start()
    trained(module, optimizer, 3)
    gradient = module[0].weight.grad.double()
    alive = pruner.masks["0.weight"].to_numpy()
    score = np.where(alive, (module[0].weight.double() * gradient).abs().detach().numpy(), -1)
    pruner.end_epoch(1)
    expected = np.argsort(-score.reshape(-1), kind="stable")[:19]
    assert sorted(expected) == list(pruner.masks["0.weight"].kept_indices())


def test_scores_inputs_and_weights_to_go_back_to():
    module = mlp()
    start = {name: value.clone() for name, value in module.state_dict().items()}
    strategy = {
        1: {"method": "unstr_unified_local", "density": 0.5, "score": "given"},
        2: {"method": "unstr_unified_local", "density": 0.25, "score": "wanda"},
        3: {"method": "unstr_unified_local", "density": 0.2, "rewind": 0},
    }
    optimizer = torch.optim.SGD(module.parameters(), 0.1)
    pruner = Pruner(module, strategy, optimizer)
    scores = {name: torch.rand_like(parameter) for name, parameter in module.named_parameters() if parameter.ndim == 2}
    pruner.end_epoch(1, scores=scores)
    assert np.array_equal(pruner.masks["0.weight"].to_numpy(), kept_by_sorting(scores["0.weight"], 0.5))
    asked = []

    def norms(name, masks):
        asked.append((name, len(masks)))
        return torch.ones(module.get_parameter(name).shape[1])

    pruner.end_epoch(2, inputs=norms)
    assert [name for name, _ in asked] == ["0.weight", "2.weight"]
    trained(module, optimizer, 3)
    assert pruner.end_epoch(3, rewind=start).rewound_to == 0
    kept = torch.from_numpy(pruner.masks["0.weight"].to_numpy())
    assert torch.equal(module[0].weight, torch.where(kept, start["0.weight"], 0)) and torch.equal(module[0].bias, start["0.bias"])


def test_weights_go_back_on_other_devices_too(elsewhere):
    module = mlp()
    start = {name: value.clone() for name, value in module.state_dict().items()}
    optimizer = torch.optim.SGD(module.parameters(), 0.1)
    pruner = Pruner(module, {1: {"method": "unstr_unified_local", "density": 0.2, "rewind": 0}}, optimizer)
    trained(module, optimizer, 3)
    pruner.end_epoch(1, rewind=start)
    kept = torch.from_numpy(pruner.masks["0.weight"].to_numpy())
    assert torch.equal(module[0].weight, torch.where(kept, start["0.weight"], 0)) and torch.equal(module[0].bias, start["0.bias"])


def test_steps_count_once():
    module = mlp()
    optimizer = torch.optim.SGD(module.parameters(), 0.1)
    pruner = Pruner(module, RIGL, optimizer)
    pruner.start()
    with pytest.raises(PruneError, match=r"counts its steps itself, after_step\(\) would count them twice"):
        pruner.after_step()
    with pytest.raises(PruneError, match="steps of two optimisers cannot both count"):
        pruner.attach(torch.optim.SGD(module[0].parameters(), 0.1))
    with pytest.raises(PruneError, match="by a closure.*without one after loss.backward"):
        optimizer.step(lambda: torch.zeros(()))
    assert pruner._pruner.last_step is None


def backward(module, optimizer):
    optimizer.zero_grad()
    module(torch.randn(8, 12)).square().mean().backward()
    return module[0].weight.grad.clone()


def interrupted():
    """A module whose optimiser raises in the step that an update takes the place of."""
    module = mlp()
    optimizer = torch.optim.SGD(module.parameters(), 0.1)
    pruner = Pruner(module, RIGL, optimizer)
    pruner.start()
    trained(module, optimizer, 2)

    def late(*_):
        raise KeyboardInterrupt

    handle = optimizer.register_step_pre_hook(late)
    gradient = backward(module, optimizer)
    with pytest.raises(KeyboardInterrupt):
        optimizer.step()
    handle.remove()
    assert module[0].weight.grad is None and pruner._pruner.last_step == 2
    return module, optimizer, pruner, gradient


def test_a_step_that_raises_gives_gradients_back_only_where_none_were_made_since():
    # The step is tried again.
    module, optimizer, pruner, gradient = interrupted()
    optimizer.step()
    assert torch.equal(module[0].weight.grad, gradient) and pruner.reports[-1].step == 3
    # Another batch comes first.
    module, optimizer, pruner, gradient = interrupted()
    fresh = backward(module, optimizer)
    optimizer.step()
    assert torch.equal(module[0].weight.grad, fresh) and not torch.equal(fresh, gradient) and pruner.reports[-1].step == 3
    # New gradients exist for some parameters, and the optimiser did not drop the old ones.
    module, optimizer, pruner, gradient = interrupted()
    module.zero_grad()
    module[2](torch.randn(8, 16)).sum().backward()
    fresh = module[2].weight.grad.clone()
    pruner.detach()
    assert module[0].weight.grad is None and torch.equal(module[2].weight.grad, fresh)
    # The gradients are dropped, and no new ones are made.
    module, optimizer, pruner, gradient = interrupted()
    optimizer.zero_grad(set_to_none=True)
    pruner.detach()
    assert module[0].weight.grad is None and "zero_grad" not in vars(optimizer)
    # The gradients come back when the hooks are removed.
    module, optimizer, pruner, gradient = interrupted()
    pruner.detach()
    assert torch.equal(module[0].weight.grad, gradient) and "zero_grad" not in vars(optimizer)


@pytest.mark.parametrize(("first", "second", "fits"), [
    (RIGL, RIGL, False), (RIGL, SET, False), (RIGL, {"2 steps": RANDOM[0]}, False), ({"2 steps": RANDOM[0]}, SET, False),
    ({"2 steps": RANDOM[0]}, {"3 steps": RANDOM[0]}, True), (RIGL, RANDOM, True), (RANDOM, RIGL, True),
])  # fmt: skip
def test_two_pruners_of_one_optimiser(first, second, fits):
    one, two = mlp(), mlp(1)
    nn.utils.prune.l1_unstructured(two[0], "weight", 0.5)
    optimizer = torch.optim.SGD([*one.parameters(), *two.parameters()], 0.1, momentum=0.9)
    before = Pruner(one, first, optimizer)
    if not fits:
        with pytest.raises(PruneError, match="another pruner is attached to this optimiser.*one pruner"):
            Pruner(two, second, optimizer)
        assert nn.utils.prune.is_pruned(two[0])
        before.detach()
    pruners = [Pruner(two, second, optimizer), *([before] if fits else [])]
    for pruner in pruners:
        pruner.start()
    for _ in range(4):
        optimizer.zero_grad()
        (one(torch.randn(8, 12)).square().mean() + two(torch.randn(8, 12)).square().mean()).backward()
        optimizer.step()
    assert all(pruner.revivals() == 0 and len(pruner.masks) == 2 for pruner in pruners)
