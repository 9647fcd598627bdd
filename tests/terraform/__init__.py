"""Terraform, as far as it goes without a project: what its root creates, and who may do what in it.

    check.py       runs `terraform validate` and `terraform test`, and compares what came of it with:
    inventory.py   terraform/tests/inventory.json and processors.json: every resource, as laid with mocked answers
    deployed.py    the same, as the tests and the emulators use it

The tests here read the two files, so that they need no Terraform; `make terraform-check` says whether the files are
fresh, and `make generated` writes them.
"""
