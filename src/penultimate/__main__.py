"""``python -m penultimate``: the command line, also where scripts are not on the path."""

from penultimate.cli import main

if __name__ == "__main__":
    main()
