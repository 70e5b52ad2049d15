# SPDX-License-Identifier: Apache-2.0
"""The end-to-end tests' harness: containers (runtime), the collector (agent), what should arrive (lines, events)."""
