"""`python -m app.cli` is `backlot`."""

from app.cli import main

main()
