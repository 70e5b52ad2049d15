# SPDX-License-Identifier: Apache-2.0
"""AWS Signature Version 4, the service's side: is this request signed by a key we know, for us, now?

Written from the published algorithm and held against AWS's own vectors (tests/data/sigv4). Header
names are lower case, names and values are the bytes of the wire decoded as latin-1, so nothing is
lost. Refusals are worded as the service words them. Knows nothing of sockets or of CloudWatch.
"""

import calendar
import functools
import hashlib
import hmac
import re
import time
import urllib.parse
from dataclasses import dataclass

ALGORITHM = "AWS4-HMAC-SHA256"
SKEW_S = 5 * 60
UNRESERVED = "-._~"

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=([^,\s]+)\s*,\s*SignedHeaders=([^,\s]+)\s*,\s*Signature=([0-9a-f]{64})\s*"
)
_BLANKS = re.compile(r"[ \t\r\n]+")
_WRONG_SIGNATURE = (
    "The request signature we calculated does not match the signature you provided. Check your AWS "
    "Secret Access Key and signing method. Consult the service documentation for details."
)


class Refusal(Exception):
    """`type` is the error's name in the reply, `message` its text."""

    def __init__(self, type, message):
        super().__init__(f"{type}: {message}")
        self.type = type
        self.message = message


@dataclass
class Credential:
    secret: str
    token: str | None = None
    expired: bool = False


@dataclass
class SignedRequest:
    method: str
    path: str
    query: str
    headers: dict  # lower-case name -> list of values, in the order of the wire
    body: bytes


@dataclass
class Scope:
    region: str
    service: str


def verify(request, credentials, scope, now, strict=True, normalize=True):
    """Returns the access key, or raises Refusal. `credentials`: access key -> Credential.

    `strict` asks for the headers that the service wants signed; one of AWS's vectors leaves the
    session token out. `normalize`: whether the path is cleaned before it is signed, as for every
    service but S3.
    """
    key_scope, signed_headers, signature = _parse_authorization(request)
    amz_date = _the_date(request)
    access_key, date, region, service = _parse_scope(key_scope)
    credential = _known_credential(access_key, credentials, request, strict)
    _check_scope(scope, amz_date, date, region, service)
    _check_signed_headers(request, signed_headers, strict)

    canonical = canonical_request(request, signed_headers, normalize)
    text = string_to_sign(canonical, amz_date, region, service)
    key = signing_key(credential.secret, date, region, service)
    expected = hmac.new(key, text.encode("latin-1"), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, signature):
        raise Refusal(
            "InvalidSignatureException",
            f"{_WRONG_SIGNATURE}\n\nThe Canonical String for this request should have been\n"
            f"'{canonical}'\n\nThe String-to-Sign should have been\n'{text}'\n",
        )
    _check_time(amz_date, now)
    if credential.expired:
        raise Refusal(
            "ExpiredTokenException", "The security token included in the request is expired"
        )
    return access_key


def canonical_request(request, signed_headers, normalize=True):
    lines = [
        request.method,
        canonical_path(request.path, normalize),
        canonical_query(request.query),
    ]
    for name in signed_headers:
        values = [_BLANKS.sub(" ", value).strip(" ") for value in request.headers.get(name, [])]
        lines.append(f"{name}:{','.join(values)}")
    lines += ["", ";".join(signed_headers), hashlib.sha256(request.body).hexdigest()]
    return "\n".join(lines)


def canonical_path(path, normalize=True):
    """Every service but S3 encodes the path of the wire once more, after removing dots."""
    if normalize:
        kept = []
        for part in path.split("/"):
            if part == "..":
                kept = kept[:-1]
            elif part not in ("", "."):
                kept.append(part)
        trailing = "/" if kept and path.endswith(("/", "/.", "/..")) else ""
        path = "/" + "/".join(kept) + trailing
    return urllib.parse.quote(path.encode("latin-1"), safe="/" + UNRESERVED)


def canonical_query(query):
    pairs = []
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        pairs.append((_encode_again(name), _encode_again(value)))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _encode_again(text):
    raw = urllib.parse.unquote_to_bytes(text.encode("latin-1"))
    return urllib.parse.quote(raw, safe=UNRESERVED)


def string_to_sign(canonical, amz_date, region, service):
    digest = hashlib.sha256(canonical.encode("latin-1")).hexdigest()
    return f"{ALGORITHM}\n{amz_date}\n{amz_date[:8]}/{region}/{service}/aws4_request\n{digest}"


@functools.lru_cache(maxsize=64)
def signing_key(secret, date, region, service):
    key = ("AWS4" + secret).encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.new(key, part.encode("latin-1"), hashlib.sha256).digest()
    return key


def _parse_authorization(request):
    values = request.headers.get("authorization", [])
    if not values:
        raise Refusal("MissingAuthenticationTokenException", "Missing Authentication Token")
    if len(values) > 1:
        raise Refusal("IncompleteSignatureException", "More than one Authorization header")
    match = _AUTHORIZATION.fullmatch(values[0])
    if match is None:
        raise Refusal(
            "IncompleteSignatureException",
            "Authorization header requires 'Credential', 'Signature' and 'SignedHeaders' "
            f"parameters of {ALGORITHM}. Authorization={values[0].split(',')[0]}",
        )
    return match[1], match[2].split(";"), match[3]


def _the_date(request):
    values = request.headers.get("x-amz-date", [])
    if len(values) != 1 or not re.fullmatch(r"\d{8}T\d{6}Z", values[0]):
        raise Refusal(
            "IncompleteSignatureException",
            "Date must be in ISO-8601 'basic format'. Got '" + ",".join(values) + "'. "
            "See http://en.wikipedia.org/wiki/ISO_8601",
        )
    return values[0]


def _parse_scope(text):
    """The access key has no slash; four more parts follow it."""
    parts = text.split("/")
    if len(parts) != 5 or parts[4] != "aws4_request":
        raise Refusal(
            "IncompleteSignatureException",
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/"
            f"service/term, got '{text}'",
        )
    return parts[:4]


def _known_credential(access_key, credentials, request, strict):
    unknown = Refusal(
        "UnrecognizedClientException", "The security token included in the request is invalid."
    )
    credential = credentials.get(access_key)
    if credential is None:
        raise unknown
    token = request.headers.get("x-amz-security-token")
    if token is not None and token != [credential.token]:
        raise unknown
    if strict and token is None and credential.token is not None:
        raise unknown
    return credential


def _check_scope(scope, amz_date, date, region, service):
    if date != amz_date[:8]:
        raise Refusal(
            "InvalidSignatureException",
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
            f"HTTP: '{date}' != '{amz_date[:8]}', from '{amz_date}'.",
        )
    if region != scope.region:
        raise Refusal(
            "InvalidSignatureException", "Credential should be scoped to a valid region. "
        )
    if service != scope.service:
        raise Refusal(
            "InvalidSignatureException",
            f"Credential should be scoped to correct service: '{scope.service}'. ",
        )


def _check_signed_headers(request, signed_headers, strict):
    if signed_headers != sorted(set(name.lower() for name in signed_headers)):
        raise Refusal(
            "InvalidSignatureException", "'SignedHeaders' must be sorted, unique and lower case."
        )
    wanted = ["host", "x-amz-date"]
    if strict:
        wanted += [
            name
            for name in request.headers
            if name.startswith("x-amz-") or name in ("content-encoding", "content-type")
        ]
    for name in wanted:
        if name not in signed_headers:
            shown = "Host' or ':authority" if name == "host" else name
            raise Refusal(
                "InvalidSignatureException",
                f"'{shown}' must be a 'SignedHeader' in the AWS Authorization.",
            )
    for name in signed_headers:
        if name not in request.headers:
            raise Refusal("InvalidSignatureException", f"Signed header '{name}' was not sent.")
    declared = request.headers.get("x-amz-content-sha256")
    if declared is not None and declared != [hashlib.sha256(request.body).hexdigest()]:
        raise Refusal(
            "InvalidSignatureException",
            "The value passed in as x-amz-content-sha256 does not match the body.",
        )


def _check_time(amz_date, now):
    try:
        signed_at = calendar.timegm(time.strptime(amz_date, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        raise Refusal("IncompleteSignatureException", f"'{amz_date}' is not a date") from None
    shown = [format_date(t) for t in (now - SKEW_S, now, now + SKEW_S)]
    if signed_at < now - SKEW_S:
        raise Refusal(
            "InvalidSignatureException",
            f"Signature expired: {amz_date} is now earlier than {shown[0]} ({shown[1]} - 5 min.)",
        )
    if signed_at > now + SKEW_S:
        raise Refusal(
            "InvalidSignatureException",
            f"Signature not yet current: {amz_date} is still later than {shown[2]} "
            f"({shown[1]} + 5 min.)",
        )


def format_date(seconds):
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(seconds))
