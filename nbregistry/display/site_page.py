"""The frame of an exported page: its style sheet, its script, and what a browser may do with it.

The page works from a file, fetches nothing and needs no script: everything is there to be read and printed from top to
bottom. Where scripts run, ours shows one part at a time and filters the list of models. The policy in its head lets
nothing else run, load or be sent, whatever a user typed into a registry.
"""

from __future__ import annotations

import base64
import hashlib
import re

from nbregistry.display import as_html
from nbregistry.display.style import SHEET

GENERATOR = "nbregistry export-site"
"""By this we know a page as ours, and may put a newer one in its place."""

_FRAME = """
:root {
  color-scheme: light dark; --page: #ffffff; --side: #f6f7f9; --ink: #1c2128; --quiet: #59636e; --rule: #d9dee4;
  --accent: #0b5cad; --jp-layout-color0: var(--page); --jp-content-link-color: var(--accent);
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171c; --side: #1b1f26; --ink: #e4e8ee; --quiet: #9aa5b1; --rule: #2e343d; --accent: #78b3f5;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 16px; }
body {
  margin: 0; background: var(--page); color: var(--ink); font: 15px/1.55 system-ui, "Segoe UI", Roboto, sans-serif;
  display: grid; grid-template-columns: 250px minmax(0, 1fr); min-height: 100vh;
}
body.site-single { display: block; }
[hidden], .site-wait section + section { display: none !important; }
section { content-visibility: auto; contain-intrinsic-size: auto 900px; }
a { color: var(--accent); }
.site-side {
  background: var(--side); border-right: 1px solid var(--rule); padding: 26px 0 26px; position: sticky; top: 0;
  height: 100vh; overflow-y: auto; scrollbar-width: thin;
}
.site-name { font-weight: 650; font-size: 17px; line-height: 1.3; padding: 0 22px; overflow-wrap: anywhere; }
.site-when { color: var(--quiet); font-size: 12.5px; padding: 2px 22px 18px; }
.site-side a {
  display: block; padding: 5px 22px; color: inherit; text-decoration: none; overflow-wrap: anywhere;
  border-left: 3px solid transparent;
}
.site-side a:hover, .site-parts a:hover { background: color-mix(in srgb, var(--ink) 6%, transparent); }
.site-side a[aria-current] { border-left-color: var(--accent); color: var(--accent); font-weight: 600; }
.site-list { margin-top: 14px; padding-top: 14px; border-top: 1px solid var(--rule); font-size: 14px; }
.site-list a { padding-top: 3px; padding-bottom: 3px; }
.site-list .site-mark { color: var(--quiet); font-size: 12px; font-weight: 400; }
.site-find { padding: 0 18px 8px; }
.site-find input {
  width: 100%; font: inherit; padding: 5px 9px; border: 1px solid var(--rule); border-radius: 5px;
  background: var(--page); color: inherit;
}
.site-find input:focus-visible, a:focus-visible, button:focus-visible { outline: 2px solid var(--accent); }
main { padding: 34px clamp(20px, 4vw, 56px) 60px; max-width: 1180px; width: 100%; }
.site-single main { margin: 0 auto; max-width: 1060px; }
section > h2 { font-size: 27px; line-height: 1.25; margin: 0 0 4px; letter-spacing: -.01em; overflow-wrap: anywhere; }
section + section { border-top: 1px solid var(--rule); margin-top: 56px; padding-top: 40px; }
.site-live section + section { border-top: 0; margin-top: 0; padding-top: 0; }
h3 { font-size: 18px; margin: 40px 0 10px; }
.site-lead { color: var(--quiet); margin: 0 0 20px; max-width: 74ch; }
.site-parts { display: flex; flex-wrap: wrap; gap: 4px 8px; margin: 12px 0 22px -9px; font-size: 14px; }
.site-parts a { padding: 2px 9px; border-radius: 5px; text-decoration: none; }
article { margin: 0 0 18px; }
article details { margin: 8px 2px 0; font-size: 14px; }
article summary { cursor: pointer; color: var(--quiet); }
.nbr { --jp-ui-font-size1: 14px; }
.nbr-card { max-width: none !important; padding: 16px 20px !important; border-radius: 8px !important; }
.nbr .nbr-title { font-size: 1.2em; }
.nbr .nbr-banner { font-size: 1.07em; padding: 9px 14px; border-radius: 0 5px 5px 0; }
.nbr .nbr-box { max-height: none; }
.nbr .nbr-sections { display: block; }
.nbr .nbr-table th, .nbr .nbr-table td { padding-right: 14px; }
.nbr .nbr-table .nbr-wide { min-width: 16ch; }
.nbr ul.nbr-list li { margin: 3px 0; }
.nbr .nbr-facts th { min-width: 13ch; padding-right: 22px; }
.nbr .nbr-facts td, .nbr .nbr-facts th { padding-top: 3px; padding-bottom: 3px; }
#production .nbr-sections > .nbr-section { border-top: 1px solid var(--rule); padding: 4px 0 10px; margin-top: 14px; }
#production .nbr-sections .nbr-head { font-size: 1.12em; }
.site-foot {
  color: var(--quiet); font-size: 12.5px; border-top: 1px solid var(--rule); margin-top: 56px; padding-top: 12px;
}
.site-all {
  font: inherit; font-size: 12.5px; color: var(--quiet); background: none; border: 1px solid var(--rule);
  border-radius: 5px; padding: 3px 10px; margin: 16px 22px 0; cursor: pointer;
}
@media (max-width: 860px) {
  body { display: block; }
  .site-side {
    position: static; height: auto; max-height: 45vh; border-right: 0; border-bottom: 1px solid var(--rule);
  }
  main { padding-top: 22px; }
}
@page { size: A4; margin: 16mm 15mm 18mm; }
@media print {
  :root {
    color-scheme: light; --page: #fff; --side: #fff; --ink: #111; --quiet: #4d4d4d; --rule: #c9c9c9; --accent: #111;
  }
  body { display: block; font-size: 10pt; min-height: 0; }
  .site-side, .site-parts, .site-all { display: none; }
  main { padding: 0; max-width: none; }
  .nbr { --jp-ui-font-size1: 9.5pt; }
  section { content-visibility: visible; }
  section + section { break-before: page; border: 0; margin: 0; padding: 0; }
  h2, h3, .nbr .nbr-head, .nbr .nbr-title { break-after: avoid; }
  h3 { margin-top: 22px; }
  .nbr tr, .nbr li, .nbr .nbr-note, .nbr .nbr-banner, .nbr .nbr-section { break-inside: avoid; }
  .nbr .nbr-card, .nbr-card { padding: 8px 12px !important; }
  .nbr .nbr-table { font-size: 8.5pt; }
  .nbr .nbr-table th, .nbr .nbr-table td { padding-right: 10px; }
  .nbr .nbr-table .nbr-wide { min-width: 9ch; }
  .nbr .nbr-table thead th {
    position: static; backdrop-filter: none; background: none; box-shadow: none; border-bottom: 1px solid var(--rule);
  }
  .nbr .nbr-badge, .nbr .nbr-banner { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .nbr a, .site-foot a { text-decoration: none; color: inherit; }
  details::details-content { content-visibility: visible; height: auto; }
}
"""
_SCRIPT = """
document.documentElement.classList.add("site-wait");
addEventListener("DOMContentLoaded", () => {
  document.documentElement.classList.remove("site-wait");
  const parts = [...document.querySelectorAll("main > section")];
  const side = document.querySelector(".site-side");
  if (!side || parts.length < 2) return;
  const links = [...side.querySelectorAll("a")];
  let all = false;
  const show = () => {
    const target = document.getElementById(location.hash.slice(1)) || parts[0];
    const chosen = parts.find((part) => part.contains(target)) || parts[0];
    for (const part of parts) part.hidden = !all && part !== chosen;
    for (const link of links) {
      if (link.hash.slice(1) === chosen.id) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    if (location.hash && target !== chosen) target.scrollIntoView();
    else if (all && location.hash) chosen.scrollIntoView();
    else scrollTo(0, 0);
  };
  const list = side.querySelector(".site-list");
  if (list && list.querySelectorAll("a").length > 8) {
    const box = document.createElement("div");
    const field = document.createElement("input");
    box.className = "site-find";
    field.type = "search";
    field.placeholder = "Find a model";
    field.setAttribute("aria-label", "Find a model");
    field.addEventListener("input", () => {
      const words = field.value.trim().toLowerCase();
      for (const link of list.querySelectorAll("a")) link.hidden = !link.textContent.toLowerCase().includes(words);
    });
    box.append(field);
    list.prepend(box);
  }
  const button = document.createElement("button");
  button.className = "site-all";
  button.textContent = "All on one page";
  button.addEventListener("click", () => {
    all = !all;
    document.body.classList.toggle("site-live", !all);
    button.textContent = all ? "One part at a time" : "All on one page";
    show();
  });
  side.append(button);
  document.body.classList.add("site-live");
  addEventListener("hashchange", show);
  show();
});
"""


def _packed(sheet: str) -> str:
    return re.sub(r"\s*([{};,>])\s*", r"\1", re.sub(r"\s+", " ", sheet)).strip()


STYLE = SHEET + _packed(_FRAME)
"""The style sheet, a constant: nothing of any object enters it."""

SCRIPT = _SCRIPT.strip()
_HASH = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{_HASH}'; img-src data:; base-uri 'none';"
    " form-action 'none'"
)
"""Only our own script runs; nothing is loaded, nothing is sent."""

METAS = (POLICY, GENERATOR, "utf-8", "width=device-width, initial-scale=1", "no-referrer", "noindex")


def head(title: str, *, single: bool) -> str:
    """Return the beginning of the page, up to its body."""
    name = as_html.words(title)
    body = ' class="site-single"' if single else ""
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="generator" content="{GENERATOR}">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer"><meta name="robots" content="noindex">'
        f"<title>{name}</title><style>{STYLE}</style><script>{SCRIPT}</script></head><body{body}>\n"
    )


def tail() -> str:
    """Return the end of the page."""
    return "</body></html>\n"
