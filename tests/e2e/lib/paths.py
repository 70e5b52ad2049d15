# SPDX-License-Identifier: Apache-2.0
"""Where things are. RINGTAIL names another binary than build/ringtail, BUILD another build folder."""

import os
import sys

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".."))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))
RINGTAIL = os.environ.get("RINGTAIL", os.path.join(BUILD, "ringtail"))
RUNTIME = os.path.join(BUILD, "tests", "runtime")
WRITER = os.path.join(BUILD, "tests", "writer")
DATA = os.path.join(ROOT, "tests", "data")
FAKE = os.path.join(ROOT, "tests", "fake")

if FAKE not in sys.path:
    sys.path.insert(0, FAKE)


class MissingTool(AssertionError):
    """A test that lacks what it needs fails and says what is missing; it does not skip."""


def need(path, remedy):
    if not os.access(path, os.X_OK):
        raise MissingTool(f"{path} is missing: {remedy}")
    return path
