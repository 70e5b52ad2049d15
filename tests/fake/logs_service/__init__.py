# SPDX-License-Identifier: Apache-2.0
"""A CloudWatch Logs service for tests. The way of a request, file by file:

    listener.py    accepts connections, TLS, outages
    wire.py        HTTP/1.1: reads a request, writes a reply or misbehaves on demand
    service.py     signature, quota, gzip, JSON, faults, then the operation
    put_events.py  PutLogEvents and its limits      operations.py  all the other operations
    model.py       the service model's constraints  store.py       groups, streams, accepted batches
    faults.py      what goes wrong, when            journal.py     what was asked and what came of it
    control.py     the tests' side over HTTP        tls.py         a certificate authority
"""
