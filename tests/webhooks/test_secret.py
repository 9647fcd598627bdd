from shared.settings import Settings
from shared.webhooks import secret


def test_a_new_secret_is_one_that_the_settings_take_and_no_other_is_like_it():
    made = {secret.new() for _ in range(10)}
    assert len(made) == 10
    assert all(Settings(webhook_secret=one).webhook_secrets == (one,) for one in made)
