"""Whether two mathematical answers are equal, by the library math-verify, in any thread and within a time limit.

A model may write a power tower that no computer can evaluate, and the library's own time limit works by signals, which
only the main thread of a process may use. So answers are compared in a process of its own, which is ended and replaced
when it takes too long.
"""

from __future__ import annotations

import atexit
import json
import subprocess
import sys
import threading
from functools import lru_cache

from curriculum_bandits.extras import require_extra

from .answers import answer_in

__all__ = ["MathJudge", "math_judge"]

_LONGEST = 400  # characters of an answer
_START_SECONDS = 120.0  # for the process to start


class MathJudge:
    """Compares answers; texts that are equal at once, others by math-verify in a process that starts when needed.

    Args:
        seconds: Time for one comparison, after which the answer counts as wrong.

    Raises:
        ModuleNotFoundError: If math-verify is not installed (extra ``llm``).
    """

    def __init__(self, *, seconds: float = 5.0) -> None:
        require_extra("math_verify", "llm")
        self.seconds = seconds
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str], bool] = {}
        atexit.register(self.close)

    def same(self, reference: str, answer: str) -> bool:
        """Whether an answer equals the reference; False also where it could not be told within the time.

        Args:
            reference: The right answer, LaTeX or plain.
            answer: What the model gave.

        Raises:
            RuntimeError: If the process cannot be started.
        """
        reference, answer = _bare(reference), _bare(answer)
        if reference == answer:
            return True
        if not answer or len(answer) > _LONGEST:
            return False
        with self._lock:
            known = self._seen.get((reference, answer))
            if known is None:
                known = self._asked(reference, answer)
                if len(self._seen) > 100_000:
                    self._seen.clear()
                self._seen[reference, answer] = known
        return known

    def score(self, reference: str, completion: str, answer_form: str = "boxed") -> float:
        """Reward of a completion: 1 if the answer that stands in it in this form equals the reference, else 0."""
        answer = answer_in(completion, answer_form)
        return 0.0 if answer is None else float(self.same(reference, answer))

    def close(self) -> None:
        """End the process; the next comparison starts a new one."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()  # also closes its pipes

    def _asked(self, reference: str, answer: str) -> bool:
        if self._process is None:
            self._start()
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps([reference, answer]) + "\n")
            self._process.stdin.flush()
        except OSError:
            self.close()
            return False
        reply = self._line(self.seconds)
        if reply not in ("0", "1"):
            self.close()
        return reply == "1"

    def _start(self) -> None:
        command = [sys.executable, "-m", "curriculum_bandits.adapters.banks.math_worker"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(command, text=True, encoding="utf-8", **pipes)  # type: ignore[call-overload]
        if self._line(_START_SECONDS) != "ready":
            self.close()
            raise RuntimeError(
                f"the process that compares math answers does not work; to see why, run {' '.join(command)}"
            )

    def _line(self, seconds: float) -> str:
        process = self._process
        assert process is not None
        assert process.stdout is not None
        timer = threading.Timer(seconds, process.kill)
        timer.start()
        try:
            return str(process.stdout.readline()).strip()
        finally:
            timer.cancel()


@lru_cache(maxsize=4)
def math_judge(seconds: float = 5.0) -> MathJudge:
    """The judge of this process, which all banks share."""
    return MathJudge(seconds=seconds)


def _bare(text: str) -> str:
    text = str(text).strip()
    for mark in ("$$", "$"):
        if len(text) > 2 * len(mark) and text.startswith(mark) and text.endswith(mark):
            text = text[len(mark) : -len(mark)].strip()
    return text
