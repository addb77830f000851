"""What holds for every scorer over features, and that importing them all needs torch alone."""

import subprocess
import sys

import pytest
import torch

from curriculum_bandits.neural.scorers import LinearScorer, MlpScorer, Scorer

SCORERS = [LinearScorer, MlpScorer, lambda columns, **options: MlpScorer(columns, hidden=(5,), members=3, **options)]


def randomised(scorer, seed=0):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in scorer.parameters():
            parameter.normal_(generator=generator)
    return scorer


@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize("make", SCORERS)
def test_scores_are_zero_at_first_and_the_first_gradient_is_not(make, heads):
    scorer = make(4, heads=heads)
    out = scorer(torch.randn(6, 4, generator=torch.Generator().manual_seed(1)))
    assert isinstance(scorer, Scorer)
    assert scorer.heads == heads
    assert out.dtype == torch.float32
    torch.testing.assert_close(out, torch.zeros(6, heads), rtol=0, atol=0)
    out[:, 0].softmax(dim=0)[0].backward()
    assert any(parameter.grad is not None and parameter.grad.abs().max() > 1e-4 for parameter in scorer.parameters())


@pytest.mark.parametrize("make", SCORERS)
def test_the_same_seed_gives_the_same_weights_and_global_randomness_is_left_alone(make):
    before = torch.get_rng_state()
    first, second = make(4, seed=3), make(4, seed=3)
    first(torch.ones(2, 4))
    assert torch.equal(torch.get_rng_state(), before)
    for mine, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(mine, other)


@pytest.mark.parametrize("make", SCORERS)
def test_autocast_does_not_round_the_scores(make):
    scorer = randomised(make(4))
    features = torch.randn(5, 4, generator=torch.Generator().manual_seed(1))
    expected = scorer(features)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(scorer(features), expected)


@pytest.mark.parametrize("make", SCORERS)
def test_gradients_are_those_of_finite_differences(make):
    scorer = randomised(make(3, heads=2)).double()
    features = torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    names = [name for name, _ in scorer.named_parameters()]

    def out(*parameters):
        return torch.func.functional_call(scorer, dict(zip(names, parameters, strict=True)), (features,))

    # Few numbers of the large layers: a wrong one would show in all of them.
    parameters = tuple(parameter.detach().clone().requires_grad_() for parameter in scorer.parameters())
    assert torch.autograd.gradcheck(out, parameters, fast_mode=True)


@pytest.mark.parametrize("make", SCORERS)
def test_wrong_arguments_are_named(make):
    with pytest.raises(ValueError, match="heads is 3"):
        make(4, heads=3)
    with pytest.raises(ValueError, match=r"columns .* 0"):
        make(0)
    with pytest.raises(ValueError, match=r"\(2, 5\).*\(m, 4\)"):
        make(4)(torch.ones(2, 5))


def test_importing_the_scorers_imports_neither_transformers_nor_peft():
    program = (
        "import sys, curriculum_bandits.neural.scorers, curriculum_bandits.neural.inputs\n"
        "print({'transformers', 'peft'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"
