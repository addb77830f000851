"""Where numbers come from: machine, versions and command, without what is nobody else's.

Committed results say how to make them again; folders and hosts of the machine they were made on do not belong there.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import os
import platform
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

__all__ = ["cpu_model", "machine", "made_on", "source_digest"]


def cpu_model() -> str:
    """Name of the processor, as far as the system tells it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def machine(packages: Iterable[str] = ()) -> dict[str, Any]:
    """Versions, processor, platform, cores and date.

    Args:
        packages: Distributions beside this one, numpy and scipy; what is not installed is left out.

    Returns:
        Plain JSON.
    """
    versions = {"python": platform.python_version()}
    for name in ("curriculum-bandits", "numpy", "scipy", *packages):
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return {
        "versions": versions,
        "processor": cpu_model(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "date": datetime.now(timezone.utc).date().isoformat(),
    }


def made_on(about: Mapping[str, Any]) -> str:
    """One line of a caption.

    Args:
        about: From `machine`.

    Returns:
        Cores, processor, platform and date.
    """
    return f"{about['cores']} cores, {about['processor']}, {about['platform']}; {about['date']}"


def source_digest(function: Callable[..., Any]) -> str:
    """A digest of the file that a function is written in, so that results of changed code are not taken for its own.

    Args:
        function: Any function.

    Returns:
        Hexadecimal digest; empty where there is no such file.
    """
    try:
        return hashlib.sha256(Path(inspect.getfile(function)).read_bytes()).hexdigest()
    except (TypeError, OSError):
        return ""
