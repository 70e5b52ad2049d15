# SPDX-License-Identifier: Apache-2.0
"""The stand-in runtime's own checks, for tests/fake/check. They live where they can be run alone."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from runtime_check import Containers, Ends, LogFiles  # noqa: E402,F401
