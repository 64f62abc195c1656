"""Keys that sign with a shared secret: enough to tell the right seal from a wrong one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field


@dataclass
class ToyKey:
    """A signer whose secret is its public key, for tests only."""

    public_key: str = "ana-key"
    known: list[ToyKey] = field(default_factory=list)

    def sign(self, message: bytes) -> str:
        return hashlib.sha256(self.public_key.encode() + message).hexdigest()

    def verify(self, public_key: str, message: bytes, signature: str) -> bool:
        return signature == ToyKey(public_key).sign(message)

    def trusted(self) -> list[ToyKey]:
        return [self, *self.known]
