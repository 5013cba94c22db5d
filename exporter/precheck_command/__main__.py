"""`python -m exporter.precheck_command` is `ninedata-precheck`."""

import sys

from exporter.precheck_command.arguments import main

sys.exit(main())
