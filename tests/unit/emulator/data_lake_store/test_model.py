"""Any sequence of operations does what it does to a dictionary, and leaves no bytes behind."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from airflow_provider_datalake.emulator.data_lake_store import joining
from airflow_provider_datalake.emulator.data_lake_store.errors import StoreError
from airflow_provider_datalake.emulator.data_lake_store.joining import COPIED_BYTES
from airflow_provider_datalake.emulator.data_lake_store.usql_files import StoreFiles
from tests.unit.emulator.data_lake_store.stores import ACCOUNT, open_store

names = st.sampled_from(("a", "b", "c"))
paths = st.lists(names, min_size=1, max_size=3).map(tuple)
data = st.binary(max_size=20)
Path_ = tuple[str, ...]


class Model(RuleBasedStateMachine):
    """A store next to a dictionary: paths of files with their bytes, paths of folders with None."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.store = open_store(self.folder)
        self.expected: dict[Path_, bytes | None] = {}

    def teardown(self) -> None:
        joining.COPIED_BYTES = COPIED_BYTES
        self.store.service.close()
        shutil.rmtree(self.folder)

    def blocked(self, path: Path_) -> bool:
        """Whether the way to a path leads through a file."""
        return any(self.expected.get(path[:count]) is not None for count in range(1, len(path)))

    def make_way(self, path: Path_) -> None:
        for count in range(1, len(path)):
            self.expected.setdefault(path[:count], None)

    def below(self, path: Path_) -> list[Path_]:
        return [other for other in self.expected if other[: len(path)] == path]

    @rule(path=paths, content=data, overwrite=st.booleans())
    def write(self, path: Path_, content: bytes, overwrite: bool) -> None:
        exists = path in self.expected
        is_folder = exists and self.expected[path] is None
        fails = self.blocked(path) or is_folder or (exists and not overwrite)
        assert fails == raises(lambda: self.store.write(text(path), content, overwrite=overwrite))
        if not fails:
            self.make_way(path)
            self.expected[path] = content

    @rule(path=paths, content=data)
    def append(self, path: Path_, content: bytes) -> None:
        before = self.expected.get(path)
        assert (before is None) == raises(lambda: self.store.append(text(path), content))
        if before is not None:
            self.expected[path] = before + content

    @rule(path=paths)
    def mkdir(self, path: Path_) -> None:
        fails = self.blocked(path) or self.expected.get(path) is not None
        assert fails == raises(lambda: self.store.mkdir(text(path)))
        if not fails:
            self.make_way(path)
            self.expected[path] = None

    @rule(path=paths, recursive=st.booleans())
    def delete(self, path: Path_, recursive: bool) -> None:
        below = self.below(path)
        if len(below) > 1 and not recursive:
            assert raises(lambda: self.store.delete(text(path)))
            return
        assert self.store.delete(text(path), recursive=recursive) == bool(below)
        for other in below:
            del self.expected[other]

    @rule(source=paths, goal=paths, overwrite=st.booleans())
    def rename(self, source: Path_, goal: Path_, overwrite: bool) -> None:
        target = goal
        done = self.store.rename(text(source), text(target), overwrite=overwrite)
        if source in self.expected and target in self.expected and target != source:
            if self.expected[target] is None:
                target = (*target, source[-1])
        assert done == self.can_rename(source, target, overwrite=overwrite)
        if done and source != target:
            moved = {other: self.expected.pop(other) for other in self.below(source)}
            self.expected |= {(*target, *other[len(source) :]): value for other, value in moved.items()}

    def can_rename(self, source: Path_, target: Path_, *, overwrite: bool) -> bool:
        if source not in self.expected:
            return False
        is_file = self.expected[source] is not None
        if target == source:
            return is_file
        if target in self.expected:
            return overwrite and is_file and self.expected[target] is not None
        parent = target[:-1]
        has_parent = not parent or (parent in self.expected and self.expected[parent] is None)
        return has_parent and target[: len(source)] != source

    @rule(path=paths, sources=st.lists(paths, min_size=1, max_size=3))
    def concatenate(self, path: Path_, sources: list[Path_]) -> None:
        exists = path in self.expected
        parts = [self.expected.get(source) for source in sources]
        fails = (
            None in parts
            or len({*sources, path}) != len(sources) + 1
            or self.blocked(path)
            or (exists and self.expected[path] is None)
        )
        assert fails == raises(lambda: self.store.concatenate(text(path), *map(text, sources)))
        if not fails:
            before = self.expected.get(path) or b""
            for source in sources:
                del self.expected[source]
            self.make_way(path)
            self.expected[path] = before + b"".join(part for part in parts if part is not None)

    @rule(copied=st.booleans())
    def choose_how_to_join(self, copied: bool) -> None:
        joining.COPIED_BYTES = COPIED_BYTES if copied else 0

    @rule(path=paths)
    def find_as_a_script(self, path: Path_) -> None:
        files = StoreFiles(self.store.service, ACCOUNT, self.store.principal)
        found = files.find(files.resolve(text(path)))
        assert (None if found is None else found.path.read_bytes()) == self.expected.get(path)
        files.close()

    @rule()
    def restart(self) -> None:
        self.store.service.close()
        self.store = open_store(self.folder)

    @invariant()
    def all_is_as_expected(self) -> None:
        assert self.found(()) == self.expected
        assert self.store.objects_on_disk() == self.store.listed_objects()

    def found(self, folder: Path_) -> dict[Path_, bytes | None]:
        entries: dict[Path_, bytes | None] = {}
        for name in self.store.names(text(folder)):
            path = (*folder, name)
            if self.store.status(text(path)).is_folder:
                entries |= {path: None, **self.found(path)}
            else:
                entries[path] = self.store.read(text(path))
        return entries


def text(path: Path_) -> str:
    return "/" + "/".join(path)


def raises(action: object) -> bool:
    assert callable(action)
    try:
        action()
    except StoreError:
        return True
    return False


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
