"""Two tiers of tests, the durations that divide them, and one hypothesis profile.

`make test` leaves out the tests that are marked `slow`: those that tests/durations.tsv lists above SLOW seconds, and
all tests below PLACES. Nothing is marked by hand. `make durations` measures every test again and rewrites the list,
`make durations ARGS=tests/test_draw.py` the tests of one file. A duration is processor time, child processes included,
so a busy machine measures the same as an idle one. A fixture that tests share is charged to them in equal parts.
"""

import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

DURATIONS = Path(__file__).parent / "tests" / "durations.tsv"
LISTED = 1.0  # seconds; faster tests are not listed
SLOW = 5.0  # seconds; slower tests are left out of `make test`
PLACES = ("tests/processes/",)  # tests that start other processes

# The same examples in every run, however busy the machine is. New examples: --hypothesis-profile=search.
settings.register_profile("repeat", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("repeat")

MISSING = pytest.StashKey[list[str]]()


def listed():
    """Seconds of each test of the list."""
    lines = DURATIONS.read_text(encoding="utf-8").splitlines() if DURATIONS.exists() else []
    return {name: float(seconds) for seconds, name in (line.split("\t", 1) for line in lines if line[:1] != "#")}


def pytest_addoption(parser):
    parser.addoption("--write-durations", action="store_true", help=f"write the slow tests to {DURATIONS.name}")


def pytest_configure(config):
    if config.getoption("--write-durations"):
        config.pluginmanager.register(Stopwatch(), "stopwatch")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    seconds, collected = listed(), {item.nodeid for item in items}
    whole_files = {file_of(name) for name in collected if not any("::" in word for word in config.args)}
    config.stash[MISSING] = [
        name
        for name in seconds
        if name not in collected and (file_of(name) in whole_files or not (config.rootpath / file_of(name)).exists())
    ]
    for item in items:
        if seconds.get(item.nodeid, 0.0) > SLOW or item.nodeid.startswith(PLACES):
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def missing_tests(request):
    """Names in the list of durations that no collected test has."""
    return request.config.stash[MISSING]


START = pytest.StashKey[float]()


class Stopwatch:
    """Measures every test and, in the process that controls the others, writes the list."""

    def __init__(self):
        self.open, self.made = (
            [],
            {},
        )  # seconds of shared fixtures within each fixture being made; by fixture, in this test
        self.seconds, self.shared, self.uses = {}, {}, {}

    @staticmethod
    def now():
        return sum(os.times()[:4])

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef):
        start = self.now()
        self.open.append(0.0)
        try:
            return (yield)
        finally:
            total, within = self.now() - start, self.open.pop()
            if fixturedef.scope != "function":
                self.made[key_of(fixturedef)] = total - within
                within = total
            if self.open:
                self.open[-1] += within

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        item.stash[START], self.made = self.now(), {}
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item, call):
        report = yield
        if call.when == "teardown":
            own = self.now() - item.stash[START] - sum(self.made.values())
            report.user_properties.append(("processor", [own, self.made, shared_fixtures(item)]))
        return report

    def pytest_runtest_logreport(self, report):
        for name, value in report.user_properties:
            if name == "processor" and report.when == "teardown":
                own, made, self.uses[report.nodeid] = value
                self.seconds[report.nodeid] = own
                self.shared.update(made)

    def pytest_sessionfinish(self, session):
        if hasattr(session.config, "workerinput"):
            return
        users = Counter(key for keys in self.uses.values() for key in keys)
        for test, keys in self.uses.items():
            self.seconds[test] += sum(self.shared.get(key, 0.0) / users[key] for key in keys)
        files = {file_of(test) for test in self.seconds}
        others = {test: value for test, value in listed().items() if file_of(test) not in files}
        exist = {test: value for test, value in others.items() if (session.config.rootpath / file_of(test)).exists()}
        DURATIONS.write_text(table(exist | self.seconds), encoding="utf-8")

    def pytest_terminal_summary(self, terminalreporter):
        slow = [value for value in self.seconds.values() if value > SLOW]
        terminalreporter.write_line(
            f"{len(self.seconds)} tests took {sum(self.seconds.values()):.0f} s of processor time, "
            f"{len(slow)} slower than {SLOW} s {sum(slow):.0f} s of it"
        )


def file_of(test):
    return test.partition("::")[0]


def key_of(fixture):
    return f"{fixture.baseid}::{fixture.argname}"


def shared_fixtures(item):
    """Keys of the fixtures of a test that live longer than the test."""
    known = getattr(item, "_fixtureinfo", None)
    found = [definitions[-1] for definitions in known.name2fixturedefs.values()] if known else []
    return [key_of(fixture) for fixture in found if fixture.scope != "function"]


def table(seconds):
    """The list as text: the slowest first."""
    worst = sorted((-value, test) for test, value in seconds.items() if value > LISTED)
    lines = ["# Processor seconds of each test that takes some; written by `make durations`."]
    return "\n".join([*lines, *(f"{-value:.1f}\t{test}" for value, test in worst)]) + "\n"
