"""Which voices are most similar, then which groups of them: average linkage over cosines. Pure.

The mean cosine of the members of two groups is the product of the groups' mean vectors, so no matrix of all pairs is
needed: memory is proportional to the number of voices. A chain of nearest neighbours finds every merge (Murtagh, 1983:
https://doi.org/10.1093/comjnl/26.4.354).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOLERANCE = 1e-5
"""How much more alike a group must be to be nearer than the one before it in the chain: more than rounding, or the
chain could go round in a circle of equal voices for ever."""


@dataclass(frozen=True, slots=True)
class Join:
    """Two groups that become one. A group is named by its lowest member."""

    similarity: float
    """Mean cosine between the members of the one and those of the other, -1 to 1."""
    one: int
    """The group, which keeps its name."""
    other: int
    """The group that becomes part of it."""


def tree(vectors: NDArray[np.float32], weights: NDArray[np.float32]) -> list[Join]:
    """Every join of the voices, until they are one group; the most alike first.

    Args:
        vectors: a row for each voice, of length 1, or the mean of such rows.
        weights: how much each of them counts in the means.

    Returns:
        One join fewer than there are voices, in an order in which they can be made.
    """
    sums = vectors * weights[:, None]
    sizes = weights.astype(np.float32)
    means = vectors.astype(np.float32)
    names = np.arange(len(vectors))
    # Similarities at which the groups were made: never exceeded by a later join, but for rounding.
    ceilings = np.full(len(vectors), np.inf)
    alive = np.ones(len(vectors), bool)
    left = len(vectors)
    joins: list[Join] = []
    chain: list[int] = []
    while left > 1:
        if not chain:
            if left < len(alive) / 2:
                sums, sizes, means = sums[alive], sizes[alive], means[alive]
                names, ceilings = names[alive], ceilings[alive]
                alive = np.ones(left, bool)
            chain.append(int(alive.argmax()))
        near = means @ means[chain[-1]]
        near[~alive] = -np.inf
        near[chain[-1]] = -np.inf
        best = int(near.argmax())
        if len(chain) < 2 or near[chain[-2]] < near[best] - TOLERANCE:
            chain.append(best)
            continue
        similarity = float(near[chain[-2]])
        one, other = sorted((chain.pop(), chain.pop()))
        similarity = min(similarity, ceilings[one], ceilings[other])
        joins.append(Join(similarity=similarity, one=int(names[one]), other=int(names[other])))
        sums[one] += sums[other]
        sizes[one] += sizes[other]
        means[one] = sums[one] / sizes[one]
        ceilings[one] = similarity
        alive[other] = False
        left -= 1
    # A stable sort: joins of equal similarity stay in an order in which they can be made.
    return sorted(joins, key=lambda join: -join.similarity)


def members(count: int, joins: list[Join]) -> NDArray[np.intp]:
    """The name of each voice's group after some joins, in their order.

    Args:
        count: how many voices there are.
        joins: the first ones of a tree.
    """
    names = np.arange(count)
    for join in joins:
        names[join.other] = join.one
    # A group that is part of another has a higher name than that one, whose name is settled by then.
    for voice in range(count):
        names[voice] = names[names[voice]]
    return names
