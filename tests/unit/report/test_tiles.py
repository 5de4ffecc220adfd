from molvae.report.tiles import reconstruction_pairs, sample_tiles


def test_samples_are_shown_in_order_and_the_invalid_among_them(run):
    tiles = sample_tiles(run.samples.molecules, 10)
    assert [tile.smiles for tile in tiles] == run.samples.molecules["smiles"].head(10).tolist()
    assert tiles[3].badge == "invalid"
    assert tiles[3].svg == ""


def test_a_training_molecule_among_the_samples_is_marked(run):
    tiles = sample_tiles(run.samples.molecules, 60)
    assert tiles[-1].known
    assert tiles[-1].badge == "in training set"
    assert tiles[0].badge.startswith("new, nearest 0.")


def test_reconstructions_say_how_good_they_are(run):
    pairs = reconstruction_pairs(run.evaluation.reconstructions, 8)
    assert pairs[1].note == "invalid"
    assert pairs[2].note == "exact"
    assert pairs[2].exact
    assert pairs[0].note.startswith("similarity 0.")
