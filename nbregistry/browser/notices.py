"""Pages that need no kernel: who is asked for a token, who finds no room, what is not there."""

from __future__ import annotations

from html import escape

FULL = (
    "Just a moment",
    "As many people look at the registry as there is room for. This page tries again by itself in a few seconds.",
)
TOKEN = (
    "Who are you?",
    "This model registry asks for a token. Open the link you were given, or paste the token that came with it.",
)
STRANGER = (
    "Please come in by the front door",
    "This model registry is reached through a proxy that signs you in. Ask whoever runs it for the address.",
)
UNFINISHED = (
    "The sign-in did not finish",
    "It began in another window, or too long ago. Open the registry again.",
)
OUTSIDE = (
    "This registry is not open to you",
    "JupyterHub knows you, and does not let you use this service. Ask whoever runs it for access.",
)
FAULTS = {
    400: ("That cannot be meant", "The address of this page is not one that the registry browser makes."),
    403: ("Not for you", "You may not do this here."),
    404: ("Nothing here", "There is no such page. The registry starts at the top."),
    410: ("Gone", "This page's work was ended. Open it again."),
    503: ("Just a moment", "JupyterHub, which knows who you are, does not answer. Please try again."),
    500: ("Something went wrong", "The fault was noted on the server. Please try again."),
}
_SHEET = (
    ":root{color-scheme:light dark}body{margin:0;min-height:100vh;display:grid;place-items:center;font:15px/1.55"
    " system-ui,sans-serif;background:Canvas;color:CanvasText}main{max-width:25rem;padding:2rem}h1{font-size:1.3rem;"
    "font-weight:600;margin:0 0 .4rem}p{margin:0 0 1.1rem;opacity:.8}label{display:block;font-weight:500;margin:0 0 "
    ".25rem}input,button{font:inherit;box-sizing:border-box;width:100%;padding:.5rem .7rem;border-radius:6px;border:1px"
    " solid color-mix(in srgb,currentColor 30%,transparent);background:transparent;color:inherit}button{margin-top:"
    ".7rem;background:#1f6feb;border-color:#1f6feb;color:#fff;font-weight:600;cursor:pointer}.fault{color:light-dark("
    "#b3261e,#ff8a80);opacity:1}:focus-visible{outline:2px solid #1f6feb;outline-offset:2px}a{color:inherit}"
)


def page(title: str, text: str, *, form: bool = False, fault: str = "", again: int = 0, root: str = "") -> str:
    """Return a whole page.

    Parameters
    ----------
    form : bool
        Ask for a token; it is sent to the address that was asked for.
    again : int
        Seconds after which the browser asks once more; 0: never.
    root : str
        Where the registry is, for a page that stands elsewhere.
    """
    asked = (
        '<form method="post"><label for="token">Token</label><input id="token" name="token" type="password"'
        ' autocomplete="current-password" autofocus required><button>Open the registry</button></form>'
        if form
        else ""
    )
    wrong = f'<p class="fault" role="alert">{escape(fault)}</p>' if fault else ""
    repeat = f'<meta http-equiv="refresh" content="{again}">' if again else ""
    back = "" if form or again else f'<p><a href="{escape(root)}?">To the registry</a></p>'
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,'
        f'initial-scale=1"><meta name="robots" content="noindex">{repeat}'
        f"<title>{escape(title)} · Model registry</title>"
        f'<link rel="icon" href="data:;base64,="><style>{_SHEET}</style></head><body><main><h1>{escape(title)}</h1>'
        f"<p>{escape(text)}</p>{wrong}{asked}{back}</main></body></html>"
    )
