import pytest

from molvae.errors import ConfigError
from molvae.registry import Registry


@pytest.fixture
def metals() -> Registry[str]:
    registry: Registry[str] = Registry("metal")
    registry.register("iron")("Fe")
    registry.register("copper")("Cu")
    return registry


def test_things_are_found_by_name_in_order_of_registration(metals):
    assert metals["iron"] == "Fe"
    assert list(metals) == ["iron", "copper"]
    assert len(metals) == 2
    assert "copper" in metals
    assert "gold" not in metals


def test_a_decorated_thing_is_returned_as_it_was(metals):
    @metals.register("tin")
    def tin() -> str:
        return "Sn"

    assert tin() == metals["tin"]() == "Sn"


def test_an_unknown_name_lists_the_known_and_the_nearest(metals):
    with pytest.raises(ConfigError, match=r"known metal \(iron, copper\), found 'coper'; did you mean copper\?"):
        metals["coper"]


def test_an_unknown_name_like_no_other_has_no_hint(metals):
    with pytest.raises(ConfigError, match=r"found 'xyz'$"):
        metals["xyz"]


def test_a_name_is_taken_once(metals):
    with pytest.raises(AssertionError, match="metal iron is registered twice"):
        metals.register("iron")("Ir")
