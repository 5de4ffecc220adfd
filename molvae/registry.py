"""Look up extensions by name, with a helpful error for an unknown one."""

import difflib
from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

from molvae.errors import ConfigError

T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """Objects of one kind by name. An unknown name raises a `ConfigError` that lists the known ones."""

    def __init__(self, kind: str) -> None:
        """Create an empty registry of objects that error messages call `kind`."""
        self.kind = kind
        self._entries: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that registers an object under `name`."""

        def add(entry: T) -> T:
            assert name not in self._entries, f"{self.kind} {name} is registered twice"
            self._entries[name] = entry
            return entry

        return add

    def __getitem__(self, name: str) -> T:
        """Return the object registered under `name`."""
        if name not in self._entries:
            close = difflib.get_close_matches(name, self._entries, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise ConfigError(f"expected a known {self.kind} ({', '.join(self._entries)}), found {name!r}{hint}")
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        """Return whether `name` is registered."""
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names, in the order of registration."""
        return iter(self._entries)

    def __len__(self) -> int:
        """Return the number of names."""
        return len(self._entries)
