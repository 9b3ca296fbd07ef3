"""Whose request this is, as far as its address says."""

from __future__ import annotations

import ipaddress

from flask import request

# Of an IPv6 address; the rest is chosen by whoever has the network (RFC 6177).
_NETWORK = 64


def sender() -> str:
    """The address that is asked for (behind trusted proxies: the one that they name). Of IPv6 its
    network, since one household has billions of addresses."""
    # A server behind a socket of its own machine knows none: then all count as one.
    given = request.remote_addr or "unknown"
    try:
        address = ipaddress.ip_address(given.partition("%")[0])
    except ValueError:
        return given
    if address.version == 4:
        return str(address)
    mapped = address.ipv4_mapped
    return str(mapped or ipaddress.ip_network((address, _NETWORK), strict=False))
