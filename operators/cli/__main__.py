"""``python -m operators.cli``: the same as ``modelyard``."""

import sys

from operators.cli import main

sys.exit(main())
