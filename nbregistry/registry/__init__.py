"""The one place where rules are applied: ``Registry`` wires storage, capture and flavors to the domain."""

from nbregistry.registry.handle import Registry

__all__ = ["Registry"]
