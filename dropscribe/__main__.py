"""`python -m dropscribe`: the same as the command `dropscribe`."""

from local.cli import main

if __name__ == "__main__":
    main()
