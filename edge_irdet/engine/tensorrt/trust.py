"""Which engines are this machine's own.

An engine is native code: loading one that came along in somebody's package is running that person's program.
So whoever builds an engine seals its record with the machine's identity, and an engine without this machine's
seal is named and refused, however well it fits. The seal tells an engine that was built here from one that
came from elsewhere; it is no protection from somebody who knows this machine's identity.
"""

from __future__ import annotations

import hashlib
import hmac

import msgspec

from edge_irdet.engine.tensorrt.identity import EngineRecord
from edge_irdet.machine.host_id import host_id


def sealed(record: EngineRecord) -> EngineRecord:
    """The record with this machine's seal; unchanged on a machine that has no identity."""
    own = host_id()
    return record if own is None else msgspec.structs.replace(record, seal=_seal(own, record))


def is_own(record: EngineRecord) -> bool:
    """Whether the record has this machine's seal."""
    own = host_id()
    return own is not None and hmac.compare_digest(record.seal, _seal(own, record))


def _seal(own: str, record: EngineRecord) -> str:
    message = f"{record.identity.key} {record.plan_bytes} {record.plan_sha256}"
    return hmac.new(own.encode(), message.encode(), hashlib.sha256).hexdigest()
