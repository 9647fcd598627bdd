"""Average linkage over cosines, compared with its definition."""

from __future__ import annotations

import numpy as np
import pytest

from shared.flow.diarization.linkage import Join, members, tree
from tests.flow.diarization.crowd import SIZE, crowd


def by_definition(vectors, weights):
    """Join the pair of groups whose members have the highest weighted mean cosine, again and again."""
    groups = {at: [at] for at in range(len(vectors))}
    cosines = vectors @ vectors.T

    def mean(one, other):
        heavy = np.outer(weights[groups[one]], weights[groups[other]])
        return (cosines[np.ix_(groups[one], groups[other])] * heavy).sum() / heavy.sum()

    joins = []
    while len(groups) > 1:
        alike, one, other = max((mean(a, b), a, b) for a in groups for b in groups if a < b)
        groups[one] += groups.pop(other)
        joins.append(Join(alike, one, other))
    return joins


@pytest.mark.parametrize("seed", range(8))
def test_joins_are_those_of_the_definition(seed):
    random = np.random.default_rng(seed)
    people = np.stack(crowd(4, seed=seed))[random.integers(0, 4, 40)]
    vectors = people + 0.08 * random.normal(size=(40, SIZE))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    weights = random.uniform(0.3, 5.0, 40).astype(np.float32)
    found, expected = tree(vectors, weights), by_definition(vectors.astype(float), weights.astype(float))
    assert [(one.one, one.other) for one in found] == [(one.one, one.other) for one in expected]
    assert [one.similarity for one in found] == pytest.approx([one.similarity for one in expected], abs=1e-5)


@pytest.mark.parametrize("different", [1, 2, 7])
def test_equal_voices_come_to_an_end_and_are_joined_first(different):
    vectors = np.stack(crowd(different))[np.arange(700) % different].astype(np.float32)
    joins = tree(vectors, np.full(700, 1.7, np.float32))
    assert len(joins) == 699
    names = members(700, joins[: 700 - different])
    assert names.tolist() == (np.arange(700) % different).tolist()


def test_every_join_can_be_made_when_its_turn_comes():
    random = np.random.default_rng(3)
    # Many ties, so that the order of joins of one branch depends on rounding.
    vectors = np.stack(crowd(3))[random.integers(0, 3, 400)].astype(np.float32)
    joined = set()
    for join in tree(vectors, random.uniform(0.25, 5.0, 400).astype(np.float32)):
        assert join.one < join.other
        assert not {join.one, join.other} & joined
        joined.add(join.other)
    assert joined == set(range(1, 400))


def test_similarities_never_rise():
    random = np.random.default_rng(4)
    vectors = random.normal(size=(200, SIZE)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = [join.similarity for join in tree(vectors, np.ones(200, np.float32))]
    assert found == sorted(found, reverse=True)


def test_fewer_than_two_voices_need_no_join():
    assert tree(np.zeros((0, SIZE), np.float32), np.zeros(0, np.float32)) == []
    assert tree(np.ones((1, SIZE), np.float32), np.ones(1, np.float32)) == []


def test_members_have_the_name_of_their_group():
    joins = [Join(0.9, 1, 3), Join(0.8, 0, 1), Join(0.7, 2, 4)]
    assert members(5, []).tolist() == [0, 1, 2, 3, 4]
    assert members(5, joins[:2]).tolist() == [0, 0, 2, 0, 4]
    assert members(5, joins).tolist() == [0, 0, 2, 0, 2]
