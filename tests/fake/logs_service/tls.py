# SPDX-License-Identifier: Apache-2.0
"""A certificate authority of one run and a certificate of it, made by the openssl command."""

import os
import ssl
import subprocess

_CA = """
[req]
distinguished_name = name
x509_extensions = ca
prompt = no
[name]
CN = Test authority
[ca]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
"""
_LEAF = """
basicConstraints = CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
authorityKeyIdentifier = keyid
subjectAltName = {names}
"""


def make_certificate(directory, addresses, hosts):
    """Returns (CA file, an ssl.SSLContext of the server)."""
    path = {name: os.path.join(directory, name) for name in (
        "ca.cnf", "ca.key", "ca.pem", "leaf.cnf", "leaf.key", "leaf.csr", "leaf.pem")}  # fmt: skip
    names = [f"IP:{address}" for address in addresses] + [f"DNS:{host}" for host in hosts]
    _write(path["ca.cnf"], _CA)
    _write(path["leaf.cnf"], _LEAF.format(names=", ".join(names)))
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    _openssl(
        "req", "-x509", *new_key, "-config", path["ca.cnf"], "-days", "2",
        "-keyout", path["ca.key"], "-out", path["ca.pem"],
    )  # fmt: skip
    _openssl(
        "req", *new_key, "-subj", "/CN=" + hosts[0], "-config", path["ca.cnf"],
        "-keyout", path["leaf.key"], "-out", path["leaf.csr"],
    )  # fmt: skip
    _openssl(
        "x509", "-req", "-in", path["leaf.csr"], "-CA", path["ca.pem"], "-CAkey", path["ca.key"],
        "-CAcreateserial", "-days", "2", "-extfile", path["leaf.cnf"], "-out", path["leaf.pem"],
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(path["leaf.pem"], path["leaf.key"])
    return path["ca.pem"], context


def _write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def _openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, text=True)
