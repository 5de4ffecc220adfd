from molvae.metrics.known_rings import known_ring_systems


def test_ring_systems_are_counted_once_a_molecule_and_what_is_none_is_left_out():
    counts = known_ring_systems(["c1ccccc1-c1ccccc1", "Cc1ccccc1C1CC1", "CCO", "not a molecule"], 1)
    assert counts == {"c1ccccc1": 2, "C1CC1": 1}
