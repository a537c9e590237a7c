"""torchrun -m fercore.cli train ..."""

import sys

from . import main

sys.exit(main())
