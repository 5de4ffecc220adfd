import ctypes

import pytest

from molvae.train.memory import keep_freed_memory


@pytest.mark.parametrize(("library", "n_settings"), [("glibc", 2), ("", 0)])
def test_only_glibc_is_told_to_keep_memory(library, n_settings, monkeypatch):
    settings = []

    class Libc:
        @staticmethod
        def mallopt(parameter, value):
            settings.append((parameter, value))

    monkeypatch.setattr("molvae.train.memory.platform.libc_ver", lambda: (library, ""))
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Libc)
    keep_freed_memory()
    assert len(settings) == n_settings
