"""``python -m medshelf``."""

from medshelf.cli.app import main

if __name__ == "__main__":
    main()
