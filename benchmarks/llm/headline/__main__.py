"""The headline benchmark as ``python -m``."""

from .command import main

if __name__ == "__main__":
    main()
