"""These are run by ``make vllm-check``; of the check itself the ordinary tests know what it would find wrong."""

collect_ignore = ["command.py", "runs.py"]
