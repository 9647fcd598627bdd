"""Take a deployment down. What runs goes; data is kept unless a person types the project's name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployment.plans import Terraform
    from deployment.target import Target


def keep_data(target: Target, terraform: Terraform, agrees: Callable[[str], bool]) -> bool:
    """Take down functions, jobs and subscriptions; buckets, database, secrets, images and topics stay.

    Returns:
        Whether it was done.

    Raises:
        ConfigurationError: Terraform failed; run it again to go on.
    """
    question = f"Stop everything in {target.project}? Audio, transcripts and records stay; `make deploy` starts it again."
    if not agrees(question):
        return False
    terraform.apply(None)
    return True


def delete_data(target: Target, terraform: Terraform, typed: Callable[[str], str]) -> None:
    """Delete everything: audio, transcripts, records, keys, images.

    Args:
        target: the deployment.
        terraform: takes it down.
        typed: asks a person to type something.

    Raises:
        BadRequest: the project's name was not typed; nothing was changed.
        ConfigurationError: Terraform failed; run it again to go on.
    """
    warning = (
        f"This permanently deletes all audio, transcripts, records and costs of {target.project}. "
        "Type the name of the project to go on"
    )
    if typed(warning).strip() != target.project:
        raise BadRequest("That is not the name of the project. Nothing was changed.")
    terraform.apply(None, delete_data=True)
    terraform.destroy(delete_data=True)
