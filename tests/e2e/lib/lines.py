# SPDX-License-Identifier: Apache-2.0
"""What a container's bytes must look like when they arrive, and what they look like in the CRI file.

The rules are written here a second time on purpose, from the contract and not from the product's code: a line ends at LF, one CR
right before that LF is dropped, bytes that are no UTF-8 become one U+FFFD per maximal invalid subpart."""

import gzip
import re

ENTRY = re.compile(rb"(\S+) (stdout|stderr) ([PF]) ")


def canonical(raw):
    """The lines of a stream as bytes, the last one too when it has no newline."""
    *whole, rest = raw.split(b"\n")
    lines = [line[:-1] if line.endswith(b"\r") else line for line in whole]
    return lines + [rest] if rest else lines


def texts(raw):
    """The same as an event's `log` shows them."""
    return [line.decode("utf-8", "replace") for line in canonical(raw)]


def read_log(path):
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rb") as file:
        return file.read()


def entries(log):
    """(time, stream, tag, content) of each entry of a CRI file."""
    found = []
    for line in log.split(b"\n")[:-1]:
        match = ENTRY.match(line)
        if not match:
            raise AssertionError(f"not a CRI line: {line[:120]!r}")
        found.append((match[1].decode(), match[2].decode(), match[3].decode(), line[match.end():]))
    return found


def rebuild(log, stream="stdout"):
    """The stream's bytes as a CRI file has them: F is a line, P is a part of one."""
    return b"".join(content + (b"\n" if tag == "F" else b"") for _, name, tag, content in entries(log) if name == stream)


def first_difference(expected, got, what="line"):
    """A short account of the first place where two lists differ, or None."""
    for index, (left, right) in enumerate(zip(expected, got)):
        if left != right:
            at = next((i for i, (a, b) in enumerate(zip(left, right)) if a != b), min(len(left), len(right)))
            return (f"{what} {index} differs at {at}: expected {left[max(0, at - 20):at + 40]!r} (length {len(left)}), "
                    f"got {right[max(0, at - 20):at + 40]!r} (length {len(right)})")
    if len(expected) != len(got):
        rest = (expected if len(expected) > len(got) else got)[min(len(expected), len(got))]
        return f"expected {len(expected)} {what}s, got {len(got)}; the first that has no partner is {rest[:80]!r}"
    return None


def assert_same(expected, got, what="line"):
    difference = first_difference(expected, got, what)
    if difference:
        raise AssertionError(difference)
