"""The edge of the server: who may ask, what was sent, and what is said when it goes wrong.

Every route is one class, so that no route can forget a check: Jupyter's login, its authorizer, its cookie against
forged requests, and a body that only a script of our own page can send (JSON, which a form of another page cannot).
"""

from __future__ import annotations

import asyncio
import json
import logging
import traceback
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.client import responses
from types import TracebackType
from typing import Any

import orjson
from jupyter_core.utils import ensure_async
from jupyter_server.base.handlers import APIHandler
from tornado import web

from nbregistry.errors import InvalidInput, NotAllowed, NotFound, RegistryError, TooLarge, UnsupportedMedia
from nbregistry.lab.asking import Asked
from nbregistry.lab.identity import who
from nbregistry.lab.page import POLICY
from nbregistry.lab.places import Places
from nbregistry.lab.table import RESOURCE, Question
from nbregistry.types import Document

LOOK = 0.25
"""Seconds between two looks at the ledger for somebody who waits."""
LONGEST_WAIT = 25
"""Seconds: shorter than proxies wait for an answer."""
MOST_WAITING = 64
"""Who waits beyond these is answered at once."""
MOST_BYTES = 1 << 20

log = logging.getLogger("nbregistry.lab")


class Lab:
    """What the routes of one server share.

    Attributes
    ----------
    threads : ThreadPoolExecutor
        Where disks are waited for, so that the server's loop never is.
    waiting : int
        Requests that are waiting for news.
    """

    def __init__(self, places: Places) -> None:
        self.places = places
        self.waiting = 0
        self.threads = ThreadPoolExecutor(4, thread_name_prefix="nbregistry-lab")


class RegistryRoute(APIHandler):
    """Answers one question."""

    auth_resource = RESOURCE
    _gone = False
    _id = ""

    def initialize(self, lab: Lab, question: Question | None) -> None:
        """Take what the table of routes says."""
        self._lab, self._question = lab, question

    @web.authenticated
    async def get(self, *where: str | None) -> None:
        """Answer what reads."""
        await self._answer("GET", where)

    @web.authenticated
    async def post(self, *where: str | None) -> None:
        """Answer what changes."""
        await self._answer("POST", where)

    async def _answer(self, method: str, where: tuple[str | None, ...]) -> None:
        question = self._question
        if question is None:
            raise NotFound("There is nothing here: nbregistry/api/place tells which registry is asked.")
        if question.method != method:
            raise web.HTTPError(405)
        if not await ensure_async(
            self.authorizer.is_authorized(self, self.current_user, question.permission, RESOURCE)
        ):
            raise NotAllowed(f"You may not {question.permission} the registry on this server.")
        sent = self._sent() if method == "POST" else {}
        query = {name: values[-1].decode("utf-8", "replace") for name, values in self.request.query_arguments.items()}
        query |= {name: found or "" for name, found in zip(question.where, where, strict=True)}
        user = who(self.current_user)
        found = await self._threaded(question, query, sent, user)
        if question.patient:
            found = await self._with_news(found, partial(self._threaded, question, query, sent, user), query)
        self.set_header("Cache-Control", "no-store")
        # Not awaited: who asked may have left, which is no fault.
        if question.page:
            self.set_header("Content-Security-Policy", POLICY)
            self.finish(str(found["html"]), set_content_type="text/html; charset=utf-8")
        else:
            self.finish(orjson.dumps(found))

    async def _threaded(
        self, question: Question, query: Mapping[str, str], sent: Mapping[str, Any], user: str
    ) -> Document:
        lab = self._lab

        def ask() -> Document:
            place = lab.places.place(query.get("folder", ""), user)
            return question.answer(Asked(place, query, sent))

        return await asyncio.get_running_loop().run_in_executor(lab.threads, ask)

    async def _with_news(self, found: Document, look: Any, query: Mapping[str, str]) -> Document:
        """Wait until there is something to tell, the time is over, or nobody listens any more."""
        try:
            wait = min(float(query.get("wait", "0")), LONGEST_WAIT)
        except ValueError:
            raise InvalidInput("?wait= takes seconds.") from None
        if self._lab.waiting >= MOST_WAITING:
            return found
        loop = asyncio.get_running_loop()
        until = loop.time() + wait
        self._lab.waiting += 1
        try:
            while not (found["events"] or found["missed"] or self._gone) and loop.time() < until:
                await asyncio.sleep(LOOK)
                found = await look()
        finally:
            self._lab.waiting -= 1
        return found

    def _sent(self) -> dict[str, Any]:
        kind = self.request.headers.get("Content-Type", "").partition(";")[0].strip().casefold()
        if kind != "application/json":
            raise UnsupportedMedia("Changes are sent as JSON: set Content-Type: application/json.")
        if len(self.request.body) > MOST_BYTES:
            raise TooLarge(f"That is more than the {MOST_BYTES:,} bytes that are read here.")
        try:
            found = orjson.loads(self.request.body)
        except orjson.JSONDecodeError:
            raise InvalidInput("The body is not JSON.") from None
        if not isinstance(found, dict):
            raise InvalidInput("The body must be a JSON object.")
        return found

    # -- what tornado and Jupyter call

    def on_connection_close(self) -> None:
        """Stop waiting for somebody who left."""
        self._gone = True
        super().on_connection_close()

    def update_api_activity(self) -> None:
        """Count as use of the server whatever a person asked; a sidebar that only waits must not keep it alive."""
        if self._question is None or not self._question.patient:
            super().update_api_activity()

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Say what is wrong in JSON: the words of our own errors, and of any other not more than its kind."""
        error = kwargs.get("exc_info", (None, None))[1]
        told: Document
        if isinstance(error, RegistryError):
            self.set_status(error.status)
            told = {"error": type(error).__name__, "message": str(error)}
        elif status_code >= 500:
            told = {"error": "Unforeseen", "message": f"The server failed to answer; its log says more: {self._id}."}
        else:
            told = {"error": responses.get(status_code, "Error"), "message": _WORDS.get(status_code, "Not possible.")}
        if status_code == 405 and self._question is not None:
            self.set_header("Allow", self._question.method)
        self.finish(json.dumps(told))

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Log a fault of ours by its kind and its places in the code: its words, and the URL, may hold secrets."""
        if isinstance(value, (RegistryError, web.HTTPError)):
            return
        self._id = uuid.uuid4().hex[:8]
        places = "".join(traceback.format_tb(tb))
        what = self._question.path if self._question else "an unknown route"
        log.error("nbregistry/%s (%s): %s\n%s", what, self._id, typ.__name__ if typ else "?", places)


_WORDS = {
    400: "The request is malformed.",
    403: "Not allowed: log in to this server, and send its _xsrf cookie back as the X-XSRFToken header.",
    404: "Not found, or asked from another site.",
    405: "Not this way: the Allow header says how.",
}
