from bench.machine import spread


def test_a_spread_is_the_median_the_least_and_the_most():
    assert spread([3.0, 1.0, 2.0]) == "2.00 (1.00 to 3.00)"
