"""The commands that set up a project and bring it to the next release: `make deploy` and its neighbours call them.

Read place first, then deploy.

deploy      deploy, and with --plan only show what that would change
preflight   what a project lacks
destroy     take a deployment down
rollout     the next release, step by step, and the last release again (`rollback`)
place       what they share: the deployment, its records, who is asked
"""
