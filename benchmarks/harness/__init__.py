"""The ground floor of every experiment: what is compared, on what, with which seeds, and what is read off paired runs.

An experiment (`regret`, `students`, `agents`, `llm`, `performance`) says what its entries and settings are, how a trial
is played and which columns its table has. The rest is here, and knows no bandit, curriculum or trainer:

`trials` names the cells of a grid, `store` keeps their results, `workers` spreads them over cores or a cluster and
`play` resumes; `statistics` and `comparison` judge paired runs; `tables` and `figures` show them; `outputs` writes
without replacing what another command wrote, `provenance` says where numbers come from; `command` makes a command line
of documented dataclasses.
"""

__all__: list[str] = []
