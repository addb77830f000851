"""TRL with vLLM in the same process, on a CPU, checked: `command` runs it, in an environment of its own."""
