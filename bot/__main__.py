"""``python -m bot`` is ``migrate-bot``."""

import sys

from bot.cli import main

sys.exit(main())
