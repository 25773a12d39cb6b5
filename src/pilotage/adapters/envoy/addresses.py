"""Whether we may listen on an address, and who holds it if not."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from pathlib import Path

from pilotage.core.routing import Address
from pilotage.errors import Problem


def loopback(address: Address) -> bool:
    return address.host == "localhost" or ipaddress.ip_address(address.host).is_loopback


def problem(address: Address, *, public: bool) -> Problem | None:
    """Why Envoy could not or must not listen there, if it does not do so already."""
    try:
        ip = ipaddress.ip_address(address.host)
    except ValueError:
        return Problem(
            code="router.address",
            what=f"{address.host} is not an IP address",
            mend="listen on a numeric address, such as 127.0.0.1",
        )
    if not ip.is_loopback and not public:
        return Problem(
            code="router.public",
            what=f"the router would listen on {address}, beyond this machine",
            mend="listen on 127.0.0.1, or allow it in the router's settings with public: true",
        )
    return _in_use(address)


def reachable(address: Address) -> Address:
    """Where we ourselves reach a listener: the loopback for one that listens everywhere."""
    if not ipaddress.ip_address(address.host).is_unspecified:
        return address
    return address.model_copy(update={"host": "::1" if ":" in address.host else "127.0.0.1"})


def _in_use(address: Address) -> Problem | None:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family) as trial:
        # As servers do: a connection of before that lingers is no obstacle, a listener is.
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((address.host, address.port))
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            return Problem(
                code="router.address-in-use" if taken else "router.address",
                what=f"the router cannot listen on {address}: {os.strerror(error.errno or 0)}",
                why=holder(address) if taken else None,
                mend="end what listens there, or choose another address" if taken else "choose another address",
            )
    return None


def holder(address: Address) -> str | None:
    """Who listens there, as far as /proc tells: ``held by process 4711 (nginx)``."""
    wanted = f":{address.port:04X}"
    inodes = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        if table.exists():
            rows = [line.split() for line in table.read_text().splitlines()[1:]]
            inodes |= {f"socket:[{row[9]}]" for row in rows if row[1].endswith(wanted) and row[3] == "0A"}
    for process in Path("/proc").glob("[0-9]*") if inodes else ():
        if _holds(process, inodes):
            return f"held by process {process.name} ({_name(process)})"
    return None


def _holds(process: Path, inodes: set[str]) -> bool:
    try:
        return any(str(link.readlink()) in inodes for link in (process / "fd").iterdir())
    except OSError:
        return False


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text().strip()
    except OSError:
        return "?"
