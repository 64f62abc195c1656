"""Who asks, for the routes of Jupyter's server: what ``identity`` proves, kept in a signed cookie between requests."""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable
from typing import Any

from jupyter_server.auth.identity import IdentityProvider, User
from tornado.web import RequestHandler
from traitlets import Unicode

from nbregistry.browser.entrance import TOKEN
from nbregistry.browser.identity import Guests, Proof, Role, Visitor

USER_HEADER = "X-Forwarded-User"
"""Header in which a trusted proxy names the user."""
SECRET_HEADER = "X-Nbregistry-Proxy-Secret"  # noqa: S105 - the header's name, not what it holds
"""Header in which a trusted proxy shows that it is one."""
_DAYS = 7  # after which a browser has to show its token again


class VisitorIdentity(IdentityProvider):
    """Proves visitors; ``visitor`` of a handler is who that was.

    Attributes
    ----------
    guests : Guests
        Set by the application before the first request.
    """

    guests = Guests(Proof.NONE)
    token = Unicode("")  # Jupyter's own single token is not used

    def get_user(self, handler: RequestHandler) -> User | Awaitable[User | None] | None:
        """Return who asks, or None."""
        found = self.visitor(handler)
        handler.visitor = found  # type: ignore[attr-defined]  # the place where our routes find it
        return None if found is None else User(username=found.session, name=found.name or "reader")

    def visitor(self, handler: RequestHandler) -> Visitor | None:
        """Return who asks, by what was proven in this request or, by cookie, in an earlier one."""
        proof = self.guests.proof
        if proof is Proof.PROXY:
            headers = handler.request.headers
            return self.guests.by_proxy(headers.get_list(USER_HEADER), headers.get_list(SECRET_HEADER))
        kept = self._kept(handler)
        if proof is Proof.TOKEN:
            shown = self.guests.by_token(handler.request.headers.get(TOKEN, ""))
            if shown is None:
                return kept
            if kept is not None and kept.digest == shown.digest:
                return kept
            self.keep(handler, shown)
            return shown
        if kept is None:
            kept = Visitor("", Role.READER, secrets.token_hex(16))
            self.keep(handler, kept)
        return kept

    def keep(self, handler: RequestHandler, found: Visitor) -> None:
        """Have the browser come back as the same visitor; the cookie holds no token."""
        if handler.request.headers.get("Upgrade"):
            return
        handler.set_signed_cookie(
            self._cookie(handler), json.dumps({"session": found.session, "digest": found.digest}), expires_days=_DAYS,
            httponly=True, samesite="Lax", secure=_encrypted(handler),
            path=handler.settings["base_url"],
        )  # fmt: skip

    def _kept(self, handler: RequestHandler) -> Visitor | None:
        signed = handler.get_signed_cookie(self._cookie(handler), max_age_days=_DAYS)
        if not signed:
            return None
        found: dict[str, Any] = json.loads(signed)  # signed by this process, so it reads as we wrote it
        if self.guests.proof is Proof.TOKEN:
            return self.guests.by_digest(found["digest"], found["session"])
        return Visitor("", Role.READER, found["session"])

    def session(self, handler: RequestHandler) -> str:
        """Return the session that a browser was given; empty: none."""
        signed = handler.get_signed_cookie(self._cookie(handler), max_age_days=_DAYS)
        return str(json.loads(signed)["session"]) if signed else ""

    def elsewhere(self, handler: RequestHandler, after: str) -> str:
        """Return where strangers are sent to prove who they are; empty: nowhere, they are asked here."""
        return ""

    @staticmethod
    def _cookie(handler: RequestHandler) -> str:
        # Cookies do not know ports, and two browsers of registries may run on one machine.
        return f"nbregistry-{handler.settings['nbregistry_port']}"

    def is_token_authenticated(self, handler: RequestHandler) -> bool:
        """Say no: a token opens a page and does not excuse a request from the checks of its origin."""
        return False

    def get_handlers(self) -> list[tuple[str, object]]:
        """Return no routes: ours are set by the application."""
        return []

    @property
    def login_available(self) -> bool:
        """Whether a page can be asked for a token."""
        return self.guests.proof is Proof.TOKEN


def _encrypted(handler: RequestHandler) -> bool:
    """Whether the browser speaks TLS, to us or to the proxy before us; who claims it wrongly loses a cookie."""
    before = handler.request.headers.get("X-Forwarded-Proto", "").partition(",")[0].strip().lower()
    return handler.request.protocol == "https" or before == "https"
