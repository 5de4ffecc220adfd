"""Which candidates to make first: the best ones, but not five of one series."""

import numpy as np
from numpy.typing import NDArray

from molvae.chem.fingerprints import PackedBits, tanimoto_matrix

CLUSTER_SIMILARITY = 0.5
"""Least Tanimoto similarity (ECFP4, 2,048 bits) of the molecules of a cluster to its centre."""

N_SUGGESTED = 5
"""How many candidates are suggested."""


def butina_clusters(bits: PackedBits) -> NDArray[np.int64]:
    """Return the cluster of each of N molecules, numbered from 1 in the order of their first molecules, int64 (N,).

    Args:
        bits: Packed ECFP4 fingerprints (2,048 bits), uint8 (N, 256).

    References:
        Butina, Unsupervised data base clustering based on Daylight's fingerprint and Tanimoto similarity, Journal of
        Chemical Information and Computer Sciences 1999, doi:10.1021/ci9803381.
    """
    is_near = tanimoto_matrix(bits, bits) >= CLUSTER_SIMILARITY
    centres = np.zeros(len(bits), dtype=np.int64)
    is_open = np.ones(len(bits), dtype=bool)
    for row in np.argsort(-is_near.sum(axis=1), kind="stable"):
        if is_open[row]:
            members = is_near[row] & is_open
            centres[members] = row
            is_open &= ~members
    _, first, of_centre = np.unique(centres, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[of_centre] + 1


def suggest(
    clusters: NDArray[np.int64], n_met: NDArray[np.int64], is_first: NDArray[np.bool_] | None = None
) -> NDArray[np.bool_]:
    """Choose a diverse selection of N ranked molecules: of each cluster its best, as long as there are clusters.

    A cluster's best is the one that meets most targets, and of several the one that comes first. Clusters whose best
    meets more targets come first. If there are too few clusters, the second best of each follow, and so on.

    Args:
        clusters: The cluster of each molecule, the best molecule first, int64 (N,).
        n_met: How many targets each meets, int64 (N,).
        is_first: What is chosen before all others, bool (N,).

    Returns:
        Which `N_SUGGESTED` are chosen, or all of fewer, bool (N,).
    """
    comes_later = np.zeros(len(clusters), dtype=bool) if is_first is None else ~is_first
    order = np.lexsort((-n_met, comes_later))
    place_in_cluster = [int((clusters[order[:i]] == clusters[row]).sum()) for i, row in enumerate(order)]
    is_suggested = np.zeros(len(clusters), dtype=bool)
    is_suggested[order[np.argsort(place_in_cluster, kind="stable")][:N_SUGGESTED]] = True
    return is_suggested
