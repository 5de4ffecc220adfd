"""Look things up by name, with a helpful error for an unknown one."""

import difflib
from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

from molvae.errors import ConfigError

T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """Things of one kind by name. An unknown name raises a `ConfigError` that lists the known ones."""

    def __init__(self, kind: str) -> None:
        """Make an empty registry of things that people call `kind`."""
        self.kind = kind
        self._things: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that enters a thing under `name`."""

        def enter(thing: T) -> T:
            assert name not in self._things, f"{self.kind} {name} is registered twice"
            self._things[name] = thing
            return thing

        return enter

    def __getitem__(self, name: str) -> T:
        """Return the thing called `name`."""
        if name not in self._things:
            close = difflib.get_close_matches(name, self._things, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise ConfigError(f"expected a known {self.kind} ({', '.join(self._things)}), found {name!r}{hint}")
        return self._things[name]

    def __contains__(self, name: object) -> bool:
        """Say whether `name` is known."""
        return name in self._things

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names, in the order of registration."""
        return iter(self._things)

    def __len__(self) -> int:
        """Return the number of names."""
        return len(self._things)
