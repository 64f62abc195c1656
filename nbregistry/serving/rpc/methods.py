"""What each method of the Open Inference Protocol answers; the same as its routes over HTTP, in the words of gRPC."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nbregistry.config import release
from nbregistry.errors import InvalidInput, NotFound
from nbregistry.serving.codec import inference as rest
from nbregistry.serving.door import ADMIN, OPEN, PREDICT, READ
from nbregistry.serving.node import Endpoint, Endpoints
from nbregistry.serving.options import Options
from nbregistry.serving.rpc import inference
from nbregistry.serving.rpc.calls import Action, Call
from nbregistry.serving.rpc.messages import METHODS, SERVICE, messages
from nbregistry.serving.samples import Samples

PERMISSIONS: Mapping[str, str] = {
    "ServerLive": OPEN,
    "ServerReady": OPEN,
    "ModelReady": OPEN,
    "ServerMetadata": READ,
    "ModelMetadata": READ,
    "ModelInfer": PREDICT,
    "RepositoryIndex": READ,
    "RepositoryModelLoad": ADMIN,
    "RepositoryModelUnload": ADMIN,
}
"""Who may ask; there is no default on purpose."""

EXTENSIONS = ("model_repository", "parameters")

Method = Callable[[Call, Any], Any]


class Methods:
    """The methods of one server, each called in a thread with its message and returning another.

    Attributes
    ----------
    leaving : bool
        Set while the process finishes what it has: readiness says no.
    """

    def __init__(self, endpoints: Endpoints, options: Options, samples: Samples | None = None) -> None:
        self.endpoints, self.options, self.samples = endpoints, options, samples
        self.leaving = False
        self._kinds = messages()

    def actions(self) -> dict[str, Action]:
        """Return what answers each path."""
        methods: dict[str, Method] = {
            "ServerLive": self.server_live,
            "ServerReady": self.server_ready,
            "ModelReady": self.model_ready,
            "ServerMetadata": self.server_metadata,
            "ModelMetadata": self.model_metadata,
            "ModelInfer": self.model_infer,
            "RepositoryIndex": self.repository_index,
            "RepositoryModelLoad": self.repository_model_load,
            "RepositoryModelUnload": self.repository_model_unload,
        }
        return {
            f"/{SERVICE}/{name}": Action(PERMISSIONS.get(name, ""), self._spoken(method, *METHODS[name]))
            for name, method in methods.items()
        }

    def _spoken(self, method: Method, takes: str, gives: str) -> Callable[[Call, bytes], bytes]:
        from google.protobuf.message import DecodeError

        parse, kind = getattr(self._kinds, takes).FromString, getattr(self._kinds, gives)

        def answer(call: Call, sent: bytes) -> bytes:
            try:
                message = parse(sent)
            except DecodeError:
                raise InvalidInput(f"The message is no {takes} of the Open Inference Protocol v2.") from None
            found = method(call, message)
            # a mapping is the message's fields
            return (kind(**found) if isinstance(found, dict) else found).SerializeToString()  # type: ignore[no-any-return]  # built at run time

        return answer

    def server_live(self, call: Call, asked: Any) -> Any:
        """The process answers."""
        return {"live": True}

    def server_ready(self, call: Call, asked: Any) -> Any:
        """Everything asked for can answer, and the process stays."""
        return {"ready": not self.leaving and all(e.ready for e in self.endpoints.all())}

    def model_ready(self, call: Call, asked: Any) -> Any:
        """One model can answer; one that is not served cannot."""
        try:
            return {"ready": self._endpoint(call, asked.name, asked.version).ready}
        except NotFound:
            return {"ready": False}

    def server_metadata(self, call: Call, asked: Any) -> Any:
        """What this is."""
        return {"name": "nbregistry", "version": release(), "extensions": EXTENSIONS}

    def model_metadata(self, call: Call, asked: Any) -> Any:
        """The tensors of a model."""
        endpoint = self._endpoint(call, asked.name, asked.version)
        call.by = endpoint.by
        return inference.metadata(endpoint)

    def model_infer(self, call: Call, asked: Any) -> Any:
        """Predict."""
        endpoint = self._endpoint(call, asked.model_name, asked.model_version)
        return inference.answer(call, endpoint, asked, self.options, self.samples)

    def repository_index(self, call: Call, asked: Any) -> Any:
        """Everything served."""
        _only_repository(asked)
        return {"models": rest.repository(self.endpoints.all(), ready=asked.ready)}

    def repository_model_load(self, call: Call, asked: Any) -> Any:
        """Serve one more reference, ``churn`` or ``churn@champion``."""
        _only_repository(asked)
        endpoint = call.change(self.endpoints.load(_named(asked.model_name)))
        call.name, call.by = endpoint.name, endpoint.by
        return {}

    def repository_model_unload(self, call: Call, asked: Any) -> Any:
        """Stop serving a name."""
        _only_repository(asked)
        call.change(self.endpoints.unload(_named(asked.model_name)))
        return {}

    def _endpoint(self, call: Call, name: str, which: str) -> Endpoint:
        if "@" in name and not which:
            name, _, alias = name.partition("@")
            which = f"@{alias}"
        found = self.endpoints.find(_named(name), which)
        call.name = found.name
        return found


def _named(name: str) -> str:
    if not name:
        raise InvalidInput("The message names no model.")
    return name


def _only_repository(asked: Any) -> None:
    if asked.repository_name:
        raise NotFound("There is one repository here, and it has no name: leave repository_name empty.")
