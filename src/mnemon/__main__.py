"""`python -m mnemon`: the same as the command `mnemon`."""

from mnemon.cli import main

if __name__ == "__main__":
    main()
