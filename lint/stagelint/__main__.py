"""`python -m stagelint`."""

import sys

from stagelint.cli import main

sys.exit(main())
