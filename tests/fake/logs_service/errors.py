# SPDX-License-Identifier: Apache-2.0
"""The service's errors: a name that clients decide by, a text, an HTTP status that is mostly 400."""

import json


class ServiceError(Exception):
    def __init__(self, type, message, status=400):
        super().__init__(f"{type}: {message}")
        self.type = type
        self.message = message
        self.status = status

    def body(self, style="plain"):
        """`style`: "plain", or what has been seen now and then: "namespaced", "capital"."""
        name = "com.amazonaws.logs#" + self.type if style == "namespaced" else self.type
        key = "Message" if style == "capital" else "message"
        return json.dumps({"__type": name, key: self.message}).encode()


def invalid_parameter(message):
    return ServiceError("InvalidParameterException", message)


def serialization(message=""):
    return ServiceError("SerializationException", message)


def group_not_found():
    return ServiceError("ResourceNotFoundException", "The specified log group does not exist.")


def stream_not_found():
    return ServiceError("ResourceNotFoundException", "The specified log stream does not exist.")


def already_exists(what):
    return ServiceError(
        "ResourceAlreadyExistsException", f"The specified log {what} already exists"
    )


def throttled():
    return ServiceError("ThrottlingException", "Rate exceeded")
