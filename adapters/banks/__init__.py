"""Banks for language models: generated, read from files, judged by verifiers that withstand what a model may write."""

__all__: list[str] = []
