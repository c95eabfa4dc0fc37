"""`python -m node` is `courtyard`."""

from node.cli import main

if __name__ == "__main__":
    main()
