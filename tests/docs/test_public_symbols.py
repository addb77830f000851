"""The law of the documentation must be able to fail, or it protects nothing."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("sphinx", reason="the docs extra is not installed")

SOURCE = Path(__file__).parents[2] / "docs" / "public_symbols.py"


@pytest.fixture(scope="module")
def law() -> ModuleType:
    spec = importlib.util.spec_from_file_location("public_symbols", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fake_module(**symbols: object) -> ModuleType:
    """A documented module that offers exactly these symbols, each pretending to be defined in it."""
    module = ModuleType("fake", "A module.")
    module.__all__ = list(symbols)
    for name, symbol in symbols.items():
        if hasattr(symbol, "__qualname__"):
            symbol.__module__, symbol.__qualname__ = "fake", name
        setattr(module, name, symbol)
    return module


def undocumented() -> None:
    pass


def documented() -> None:
    """Say something."""


class HalfDocumented:
    """A class."""

    def told(self) -> None:
        """Say something."""

    def silent(self) -> None:
        pass

    @property
    def silent_property(self) -> int:
        return 0

    def _private(self) -> None:
        pass


class Heir(HalfDocumented):
    """Inherits the docstring of one method."""

    def told(self) -> None:
        pass


class Nameless(HalfDocumented):  # its own docstring is missing; that of its base does not count
    pass


@dataclass
class Record:  # dataclasses write a docstring for themselves
    value: int


def test_a_documented_module_has_no_faults(law: ModuleType) -> None:
    module = fake_module(documented=documented, Heir=Heir, LIMIT=3)
    assert list(law.faults([module], {"fake", "fake.documented", "fake.Heir", "fake.LIMIT"})) == []


@pytest.mark.parametrize("symbol", [undocumented, Nameless, Record], ids=["function", "class", "dataclass"])
def test_a_missing_docstring_is_a_fault(law: ModuleType, symbol: object) -> None:
    assert list(law.faults([fake_module(x=symbol)], {"fake", "fake.x"})) == ["fake.x has no docstring"]


def test_a_member_without_docstring_is_a_fault(law: ModuleType) -> None:
    found = list(law.faults([fake_module(x=HalfDocumented)], {"fake", "fake.x"}))
    assert found == ["fake.x.silent has no docstring", "fake.x.silent_property has no docstring"]


def test_a_symbol_on_no_page_is_a_fault(law: ModuleType) -> None:
    (fault,) = law.faults([fake_module(documented=documented)], {"fake"})
    assert fault.startswith("fake.documented is on no page")


def test_a_constant_on_no_page_is_a_fault(law: ModuleType) -> None:
    (fault,) = law.faults([fake_module(LIMIT=3)], {"fake"})
    assert fault.startswith("fake.LIMIT is on no page")


def test_a_module_on_no_page_is_a_fault(law: ModuleType) -> None:
    (fault,) = law.faults([fake_module()], set())
    assert fault.startswith("fake is on no page")


def test_a_module_without_all_is_a_fault(law: ModuleType) -> None:
    (fault,) = law.faults([ModuleType("fake", "A module.")], {"fake"})
    assert fault.startswith("fake has no __all__")


def test_a_module_without_docstring_is_a_fault(law: ModuleType) -> None:
    module = fake_module()
    module.__doc__ = None
    assert list(law.faults([module], {"fake"})) == ["fake has no docstring"]


def test_a_name_that_does_not_exist_is_a_fault(law: ModuleType) -> None:
    module = fake_module()
    module.__all__ = ["ghost"]
    assert list(law.faults([module], {"fake"})) == ["fake.ghost is in __all__ but does not exist"]


def test_a_symbol_may_stand_under_the_module_that_defines_it(law: ModuleType) -> None:
    home = fake_module(documented=documented)
    package = ModuleType("package", "Offers it again.")
    package.__all__ = ["documented"]
    package.documented = documented
    assert list(law.faults([home, package], {"fake", "fake.documented", "package"})) == []


def test_public_modules_leave_out_private_ones_and_visit_each_once(
    law: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = tmp_path / "fake_house" / "room"
    room.mkdir(parents=True)
    for path in ("__init__.py", "__main__.py", "_secret.py", "door.py", "room/__init__.py", "room/table.py"):
        (tmp_path / "fake_house" / path).write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    modules = law.import_public_modules(["fake_house", "fake_house.room"])
    names = [module.__name__ for module in modules]
    assert names == ["fake_house", "fake_house.door", "fake_house.room", "fake_house.room.table"]
