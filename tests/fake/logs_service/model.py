# SPDX-License-Identifier: Apache-2.0
"""The constraints of the service model (tests/data/cloudwatch/model.json), checked generically.

A value of the wrong JSON type is a SerializationException; lengths, patterns, enums and missing
members are gathered into one InvalidParameterException, as the service gathers them. Members that
the model does not know are ignored, as the service ignores them. The events of PutLogEvents are too
many for this: put_events.py checks them.
"""

import json
import os
import re

from .errors import invalid_parameter, serialization

MODEL_FILE = os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "../../data/cloudwatch/model.json"
)
JSON_TYPES = {
    "structure": dict,
    "map": dict,
    "list": list,
    "string": str,
    "long": int,
    "integer": int,
    "boolean": bool,
}
INTEGER_BITS = {"long": 63, "integer": 31}
# Java's classes in Python's dialect; \w holds letters, numbers and the underscore.
CLASSES = {r"\p{L}": r"\w", r"\p{N}": "", r"\p{Z}": " \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"}


class Model:
    def __init__(self, path=MODEL_FILE):
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        self._shapes = document["shapes"]
        self._inputs = {
            name: operation["input"]["shape"]
            for name, operation in document["operations"].items()
        }
        self._patterns = {
            name: _compile(shape["pattern"])
            for name, shape in self._shapes.items()
            if "pattern" in shape
        }

    def operations(self):
        return self._inputs.keys()

    def check(self, operation, document, unchecked=()):
        """Raises ServiceError. Members named in `unchecked` must be there, and are not looked into."""
        problems = []
        self._structure(self._inputs[operation], document, "", problems, unchecked)
        raise_problems(problems)

    def _value(self, name, value, path, problems):
        shape = self._shapes[name]
        kind = shape["type"]
        check_type(kind, value)
        if kind == "structure":
            self._structure(name, value, path + ".", problems)
            return
        if kind == "list":
            for number, item in enumerate(value, 1):
                member = f"{path}.{number}.member"
                self._value(shape["member"]["shape"], item, member, problems)
        if kind == "map":
            for key, item in value.items():
                self._value(shape["key"]["shape"], key, path + ".key", problems)
                self._value(shape["value"]["shape"], item, f"{path}.{key}.member", problems)
        self._bounds(shape, value, path, problems)
        pattern = self._patterns.get(name)
        if pattern is not None and pattern.fullmatch(value) is None:
            problems.append(
                constraint(value, path, f"satisfy regular expression pattern: {shape['pattern']}")
            )
        if "enum" in shape and value not in shape["enum"]:
            problems.append(constraint(value, path, f"satisfy enum value set: {shape['enum']}"))

    def _structure(self, name, value, prefix, problems, unchecked=()):
        check_type("structure", value)
        shape = self._shapes[name]
        for member in shape.get("required", ()):
            if value.get(member) is None:
                problems.append(missing(prefix + member))
        for member, reference in shape["members"].items():
            item = value.get(member)
            if item is not None and member not in unchecked:
                self._value(reference["shape"], item, prefix + member, problems)

    @staticmethod
    def _bounds(shape, value, path, problems):
        if isinstance(value, bool):
            return
        number = isinstance(value, int)
        size = value if number else len(value)
        what = "value" if number else "length"
        if size < shape.get("min", size):
            limit = f"have {what} greater than or equal to {shape['min']}"
            problems.append(constraint(value, path, limit))
        if size > shape.get("max", size):
            limit = f"have {what} less than or equal to {shape['max']}"
            problems.append(constraint(value, path, limit))


def check_type(kind, value):
    if type(value) is not JSON_TYPES[kind]:
        raise serialization(f"{type(value).__name__} can not be converted to a {kind}")
    if kind in INTEGER_BITS and not -(1 << INTEGER_BITS[kind]) <= value < 1 << INTEGER_BITS[kind]:
        raise serialization(f"{value} is out of the range of {kind}")
    if kind == "string":
        try:
            value.encode()
        except UnicodeEncodeError:
            raise serialization("a string holds an unpaired surrogate") from None


def missing(path):
    return f"Value null at '{path}' failed to satisfy constraint: Member must not be null"


def constraint(value, path, rule):
    shown = value if isinstance(value, (str, int)) else json.dumps(value)
    return f"Value '{str(shown)[:1024]}' at '{path}' failed to satisfy constraint: Member must {rule}"


def raise_problems(problems):
    if problems:
        errors = "error" if len(problems) == 1 else "errors"
        raise invalid_parameter(
            f"{len(problems)} validation {errors} detected: {'; '.join(problems)}"
        )


def _compile(pattern):
    for java, python in CLASSES.items():
        pattern = pattern.replace(java, python)
    return re.compile(pattern, re.DOTALL)
