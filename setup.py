"""The list of packages, and nothing else; everything else is in pyproject.toml.

The top-level folders adapters/ and benchmarks/ are installed as curriculum_bandits.adapters and
curriculum_bandits.benchmarks. pyproject.toml can map the folders but cannot find their subpackages under the new names,
and a list kept by hand would one day leave a folder out of the wheel.
"""

from setuptools import find_packages, setup

MAPPED = ("adapters", "benchmarks")

setup(
    packages=[
        *find_packages(include=["curriculum_bandits", "curriculum_bandits.*"]),
        *(f"curriculum_bandits.{name}" for room in MAPPED for name in find_packages(include=[room, f"{room}.*"])),
    ],
    package_dir={f"curriculum_bandits.{room}": room for room in MAPPED},
)
