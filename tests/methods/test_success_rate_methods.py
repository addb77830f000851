"""Methods that estimate every problem's success rate: they find what is half solved, and say what they cannot do."""

import inspect

import numpy as np
import pytest

from curriculum_bandits import Feedback, ProblemBank, Rollouts, methods

N = 60
TRUE = np.r_[np.full(20, 0.02), np.full(20, 0.5), np.full(20, 0.98)]
BANK = ProblemBank(
    [f"p{i}" for i in range(N)],
    ids=[f"problem-{i}" for i in range(N)],
    columns={"weak_pass_rate": TRUE * 0.8, "strong_pass_rate": np.minimum(TRUE * 1.2, 1.0), "measured": TRUE},
)
NAMES = ("bots", "informative", "learnability", "mopps", "procurl", "sfl", "spo")
METHODS = {name: getattr(methods, name) for name in NAMES}


@pytest.mark.parametrize("name", METHODS)
def test_it_finds_problems_that_are_half_solved_and_keeps_looking_at_the_others(name):
    curriculum, rng, drawn = METHODS[name](BANK, seed=1), np.random.default_rng(0), np.zeros(N)
    for t in range(300):
        draw = curriculum.ask(6)
        rewards = rng.random((6, 8)) < TRUE[draw.items, None]
        curriculum.tell(draw, curriculum.signal(Rollouts(rewards)))
        drawn[draw.items] += t >= 50
    assert drawn[20:40].sum() / drawn.sum() > 0.45
    assert np.mean(drawn > 0) > 0.7


@pytest.mark.parametrize("name", METHODS)
def test_missing_answers_teach_nothing(name):
    curriculum = METHODS[name](BANK)
    draw = curriculum.ask(4)
    curriculum.tell(draw, Feedback([0.5, np.nan, 7.0, 1.0], [8, 0, 0, 2]))
    assert set(np.flatnonzero(curriculum.bandit.rates.seen)) == {draw.items[0], draw.items[3]}


@pytest.mark.parametrize("name", METHODS)
def test_what_is_no_success_rate_is_refused_by_the_name_of_its_problem(name):
    curriculum = METHODS[name](BANK)
    draw = curriculum.ask(4)
    before = curriculum.bandit.state_dict()["rates"]
    with pytest.raises(ValueError, match=rf"problem-{draw.items[2]}'.* is 1\.5; .*success rate in \[0, 1\]"):
        curriculum.tell(draw, Feedback([0.5, 0.5, 1.5, 0.5], [8] * 4))
    after = curriculum.bandit.state_dict()["rates"]
    assert all(np.array_equal(before[key], after[key]) for key in before)
    curriculum.tell(draw, [0.5] * 4)


@pytest.mark.parametrize("name", METHODS)
def test_the_signal_may_be_replaced(name):
    given = METHODS[name](BANK, signal=lambda rollouts: Feedback(rollouts.rewards[:, 0], [1] * len(rollouts)))
    assert given.signal(Rollouts([[0.25, 0.5]])).values.tolist() == [0.25]


def test_published_settings_are_the_defaults():
    def default(name, setting):
        return inspect.signature(METHODS[name]).parameters[setting].default

    assert [default("mopps", each) for each in ("target", "discount", "candidates", "prior")] == [0.5, 0.5, 8, (1, 1)]
    assert [default("bots", each) for each in ("target", "forgetting", "implicit")] == [0.5, 0.2, 0.2]
    assert [default("spo", each) for each in ("half_life", "kept", "least")] == [0.06, (0.875, 0.96), 0.05]
    assert [default("sfl", each) for each in ("listed", "share")] == [1000 / 25_000, 0.5]
    assert default("procurl", "best") == 1.0
    assert default("informative", "n_rollouts") == 8


def test_settings_reach_their_part():
    mopps = METHODS["mopps"](BANK, target=0.3, discount=1.0, candidates=16, prior=(2, 3)).bandit
    assert (mopps.acquisition.target, mopps.candidates) == (0.3, 16)
    assert (mopps.rates.discount, mopps.rates.prior) == (1.0, (2, 3))
    assert mopps.thompson
    bots = METHODS["bots"](BANK, target=0.4, forgetting=0.1, implicit=0.3, weak="measured", candidates=None).bandit
    assert (bots.acquisition.target, bots.candidates) == (0.4, None)
    assert (bots.rates.forgetting, bots.rates.implicit) == (0.1, 0.3)
    np.testing.assert_array_equal(bots.rates.weak, TRUE)
    np.testing.assert_array_equal(bots.rates.strong, np.minimum(TRUE * 1.2, 1.0))
    spo = METHODS["spo"](BANK, half_life=0.1, kept=(0.5, 0.9), least=0.2, offline="measured").bandit
    assert (spo.rates.half_life, spo.rates.kept, spo.acquisition.least) == (0.1, (0.5, 0.9), 0.2)
    np.testing.assert_allclose(spo.means(), TRUE)
    procurl = METHODS["procurl"](BANK, sharpness=5.0, best=0.9, discount=0.7).bandit
    assert (procurl.acquisition.sharpness, procurl.acquisition.best, procurl.rates.discount) == (5.0, 0.9, 0.7)
    sfl = METHODS["sfl"](BANK, listed=0.2, share=0.25, fading=0.9).bandit
    assert (sfl.listed, sfl.share, sfl.rates.fading) == (0.2, 0.25, 0.9)
    assert METHODS["informative"](BANK, 4).bandit.acquisition.n_rollouts == 4
    assert not METHODS["learnability"](BANK).bandit.thompson


def test_problems_never_seen_count_as_half_solved_for_learnability():
    curriculum = METHODS["learnability"](BANK, candidates=None)
    first, second = set(), set()
    for seen in (first, second):
        draw = curriculum.ask(N // 2)
        curriculum.tell(draw, Feedback(np.full(N // 2, 0.25), [8] * (N // 2)))
        seen.update(draw.items.tolist())
    assert not first & second


def test_spo_hears_how_far_the_policy_moved():
    curriculum = METHODS["spo"](BANK)
    draw = curriculum.ask(2)
    curriculum.tell(draw, curriculum.signal(Rollouts([[1.0], [0.0]], kl=[[0.002], [0.004]])))
    np.testing.assert_allclose(curriculum.bandit.rates.kl, 0.003)


@pytest.mark.parametrize(
    ("make", "column", "argument"),
    [
        (lambda bank: methods.bots(bank), "weak_pass_rate", "weak"),
        (lambda bank: methods.bots(bank, weak="level", strong="top"), "top", "strong"),
        (lambda bank: methods.spo(bank, offline="measured"), "measured", "offline"),
    ],
)
def test_a_column_that_the_bank_lacks_is_named(make, column, argument):
    bank = ProblemBank(["a", "b"], columns={"level": [0.1, 0.2]})
    with pytest.raises(ValueError, match=f"no column '{column}'.*ProblemBank columns=.*{argument}=.*'level'"):
        make(bank)


def test_a_column_of_words_is_refused():
    bank = ProblemBank(["a"], columns={"weak_pass_rate": ["low"], "strong_pass_rate": [0.2]})
    with pytest.raises(ValueError, match="'weak_pass_rate' holds something else than numbers"):
        methods.bots(bank)
