"""How HTML looks: one style sheet, scoped by the ``nbr-`` prefix, for any theme of any front end.

Nothing here asks whether the page is dark. JupyterLab says it with variables, VS Code with others, an exported page
with the reader's system setting, GitHub not at all; what they all have is a text colour. So every shade is mixed from
``currentColor``: towards transparent for lines and fills, towards the text for hues, which makes the same green deep on
white and pale on black. Browsers before 2023 do not mix colours; they see the plain declarations in front.
"""

from __future__ import annotations

import re

# Okabe and Ito's colours, which colour-blind eyes tell apart; dashes and marks tell series apart without any.
_SERIES = {"first": "#0072b2", "second": "#d55e00", "third": "#009e73", "fourth": "#cc79a7", "fifth": "#e69f00"}
_HUES = {"good": "#2da44e", "bad": "#e5484d", "warn": "#d08700", "info": "#3b82f6"}
_SYNTAX = {
    "s-keyword": "#8250df", "s-text": "#2da44e", "s-figure": "#d08700", "s-name": "#3b82f6", "s-magic": "#c2458f",
}  # fmt: skip
_SHEET = """
.nbr {
  color: var(--jp-content-font-color1, currentColor); background: transparent; max-width: 100%; margin: 2px 0;
  font-family: var(--jp-ui-font-family, system-ui, sans-serif); font-size: var(--jp-ui-font-size1, 13px);
  line-height: 1.5; text-align: left; overflow-wrap: anywhere;
  --nbr-line: rgba(128, 128, 128, .35); --nbr-fill: rgba(128, 128, 128, .1); --nbr-quiet: inherit;
}
@supports (color: color-mix(in srgb, red, blue)) {
  .nbr {
    --nbr-line: color-mix(in srgb, currentColor 18%, transparent);
    --nbr-fill: color-mix(in srgb, currentColor 6%, transparent);
    --nbr-quiet: color-mix(in srgb, currentColor 68%, transparent);
  }
}
.nbr-card {
  border: 1px solid var(--nbr-line); border-radius: 6px; padding: 10px 14px; box-sizing: border-box; max-width: 860px;
}
.nbr .nbr-title { font-size: 1.15em; font-weight: 600; }
.nbr .nbr-title .nbr-badge, .nbr .nbr-title .nbr-alias { font-size: .78em; vertical-align: 1px; }
.nbr .nbr-title .nbr-plain { font-weight: 400; }
.nbr .nbr-under, .nbr .nbr-foot, .nbr .nbr-more, .nbr summary {
  color: var(--nbr-quiet); font-size: .93em; margin: 2px 0 0;
}
.nbr .nbr-under { margin-bottom: 6px; }
.nbr .nbr-foot { border-top: 1px solid var(--nbr-line); padding-top: 6px; margin-top: 10px; }
.nbr .nbr-sections { display: flex; flex-wrap: wrap; gap: 0 40px; }
.nbr .nbr-section { min-width: 0; max-width: 100%; }
.nbr .nbr-head { font-weight: 600; margin: 12px 0 2px; }
.nbr .nbr-head .nbr-plain, .nbr .nbr-head .nbr-code { font-weight: 400; }
.nbr .nbr-muted { color: var(--nbr-quiet); font-weight: 400; }
.nbr .nbr-under .nbr-muted, .nbr .nbr-foot .nbr-muted, .nbr .nbr-more .nbr-muted { color: inherit; }
.nbr .nbr-strong { font-weight: 600; }
.nbr .nbr-struck { color: var(--nbr-quiet); text-decoration: line-through; font-weight: 400; }
.nbr .nbr-number { font-variant-numeric: tabular-nums; white-space: nowrap; }
.nbr .nbr-code, .nbr .nbr-patch, .nbr .nbr-prose code {
  font-family: var(--jp-code-font-family, ui-monospace, Menlo, Consolas, monospace); font-size: .94em;
  background: transparent; color: inherit; padding: 0; border: 0; white-space: inherit; word-break: normal;
}
.nbr .nbr-badge, .nbr .nbr-chip, .nbr .nbr-alias {
  display: inline-block; border: 1px solid var(--nbr-line); border-radius: 4px; padding: 0 6px; font-size: .88em;
  font-weight: 500; line-height: 1.5; max-width: 100%; box-sizing: border-box; background: var(--nbr-fill);
}
.nbr .nbr-alias { border-radius: 10px; background: transparent; }
.nbr .nbr-chip { background: transparent; color: var(--nbr-quiet); }
.nbr .nbr-badge-quiet { background: transparent; color: var(--nbr-quiet); border-color: transparent; padding: 0; }
.nbr .nbr-banner {
  border-left: 3px solid var(--nbr-line); background: var(--nbr-fill); padding: 5px 10px; margin: 8px 0;
}
.nbr .nbr-box {
  max-height: 480px; max-width: 100%; overflow: auto; margin: 4px 0 0;
  scrollbar-width: thin; scrollbar-color: var(--nbr-line) transparent;
}
@media print { .nbr .nbr-box, .nbr .nbr-patch { max-height: none; overflow: visible; } }
.nbr table.nbr-table, .nbr table.nbr-facts, .nbr .nbr-prose table {
  border-collapse: collapse; border: 0; margin: 0; font-size: inherit; table-layout: auto; width: auto; color: inherit;
}
.nbr .nbr-table tr:nth-child(n), .nbr .nbr-facts tr:nth-child(n), .nbr .nbr-prose tr:nth-child(n) {
  background: transparent; border: 0; text-align: left;
}
.nbr .nbr-table tbody tr:nth-child(n):hover { background: var(--nbr-fill); }
.nbr .nbr-table th, .nbr .nbr-table td, .nbr .nbr-prose th, .nbr .nbr-prose td {
  padding: 3px 18px 3px 0; border: 0; border-bottom: 1px solid var(--nbr-line); text-align: left; vertical-align: top;
  line-height: 1.5; max-width: 44ch; white-space: nowrap;
}
.nbr .nbr-table thead th {
  color: var(--nbr-quiet); font-weight: 500; font-size: .93em; vertical-align: bottom; position: sticky; top: 0;
  background: var(--jp-layout-color0, var(--vscode-editor-background, transparent)); backdrop-filter: blur(6px);
  border: 0; box-shadow: inset 0 -1px 0 var(--nbr-line);
}
.nbr .nbr-table th:last-child, .nbr .nbr-table td:last-child { padding-right: 0; }
.nbr .nbr-table tbody tr:last-child td { border-bottom: 0; }
.nbr .nbr-table th.nbr-right, .nbr .nbr-table td.nbr-right { text-align: right; font-variant-numeric: tabular-nums; }
.nbr .nbr-table td:not(.nbr-wide) .nbr-code { white-space: nowrap; overflow-wrap: normal; }
.nbr .nbr-table .nbr-wide, .nbr .nbr-prose td { min-width: 26ch; white-space: normal; overflow-wrap: anywhere; }
.nbr .nbr-facts th, .nbr .nbr-facts td {
  padding: 1px 14px 1px 0; border: 0; text-align: left; vertical-align: top; line-height: 1.5; white-space: normal;
  max-width: 80ch;
}
.nbr .nbr-facts th { color: var(--nbr-quiet); font-weight: 400; min-width: 9ch; white-space: nowrap; }
.nbr .nbr-facts .nbr-wide { white-space: normal; overflow-wrap: anywhere; max-width: 30ch; }
.nbr ul.nbr-list { margin: 2px 0; padding-left: 18px; }
.nbr ul.nbr-list li { margin: 1px 0; }
.nbr .nbr-prose { margin: 4px 0; max-width: 80ch; }
.nbr .nbr-prose p, .nbr .nbr-prose ul, .nbr .nbr-prose ol { margin: 4px 0; }
.nbr .nbr-prose pre, .nbr .nbr-patch {
  background: var(--nbr-fill); border: 0; border-radius: 4px; padding: 6px 10px; margin: 4px 0; overflow: auto;
  max-height: 360px; white-space: pre; color: inherit;
}
.nbr .nbr-patch span { white-space: pre; }
.nbr pre.nbr-code { white-space: pre-wrap; overflow-wrap: anywhere; user-select: all; }
.nbr .nbr-prose blockquote {
  border-left: 3px solid var(--nbr-line); margin: 4px 0; padding: 0 10px; background: transparent;
}
.nbr a.nbr-link { color: var(--jp-content-link-color, LinkText); text-decoration: none; }
.nbr a.nbr-link:hover { text-decoration: underline; }
.nbr .nbr-prose a { color: var(--jp-content-link-color, inherit); text-decoration: underline; }
.nbr .nbr-note { margin: 10px 0 0; }
.nbr .nbr-note time { color: var(--nbr-quiet); }
.nbr .nbr-replies { border-left: 2px solid var(--nbr-line); padding-left: 12px; margin-left: 2px; }
.nbr summary { cursor: pointer; }
.nbr .nbr-chart {
  display: inline-block; vertical-align: top; margin: 10px 24px 4px 0; max-width: min(440px, 100%);
  box-sizing: border-box;
}
.nbr .nbr-plot { display: block; max-width: 100%; height: auto; overflow: visible; margin: 4px 0; }
.nbr .nbr-plot text { font-family: inherit; font-variant-numeric: tabular-nums; }
.nbr .nbr-legend { display: flex; flex-wrap: wrap; gap: 0 16px; }
.nbr .nbr-swatch { vertical-align: -1px; margin-right: 5px; }
.nbr .nbr-guide { color: var(--nbr-quiet); }
.nbr table.nbr-bars { width: 100%; max-width: 720px; }
.nbr .nbr-table.nbr-bars tr:nth-child(n) :is(th, td) { border: 0; padding: 1px 14px 1px 0; vertical-align: middle; }
.nbr .nbr-table.nbr-bars tr:nth-child(n) th { font-weight: 500; vertical-align: top; }
.nbr .nbr-table.nbr-bars tbody + tbody tr:nth-child(1) :is(th, td) { padding-top: 12px; }
.nbr .nbr-bars td:nth-last-child(3) { width: 45%; }
.nbr .nbr-track { background: var(--nbr-fill); border-radius: 2px; height: 9px; min-width: 90px; }
.nbr .nbr-track i { display: block; height: 100%; border-radius: 2px; background: currentColor; }
.nbr .nbr-tiles { display: flex; flex-wrap: wrap; gap: 8px 28px; margin: 6px 0; }
.nbr .nbr-tile { min-width: 132px; }
.nbr .nbr-tile .nbr-under { margin: 0; }
.nbr .nbr-figure { font-size: 1.25em; font-variant-numeric: tabular-nums; line-height: 1.4; }
.nbr .nbr-figure .nbr-muted { font-size: .76em; }
.nbr pre.nbr-source { line-height: 1.45; margin: 2px 0 10px; }
.nbr .nbr-patch .nbr-s-comment { color: var(--nbr-quiet); font-style: italic; }
.nbr .nbr-spark { vertical-align: middle; overflow: visible; color: var(--nbr-quiet); }
.nbr .nbr-spark polyline { fill: none; stroke: currentColor; stroke-width: 1.4; stroke-linejoin: round; }
.nbr .nbr-spark rect, .nbr .nbr-spark circle { fill: currentColor; }
"""
_TONE = """
.nbr .nbr-{tone}, .nbr .nbr-badge-{tone} {{ color: {hue}; font-weight: 500; }}
@supports (color: color-mix(in srgb, red, blue)) {{
  .nbr .nbr-{tone}, .nbr .nbr-badge-{tone} {{ color: color-mix(in srgb, {hue} 64%, currentColor); }}
  .nbr .nbr-badge-{tone} {{
    background: color-mix(in srgb, {hue} 12%, transparent); border-color: color-mix(in srgb, {hue} 45%, transparent);
  }}
  .nbr .nbr-banner-{tone} {{ background: color-mix(in srgb, {hue} 9%, transparent); border-left-color: {hue}; }}
}}
"""
_PLOTTED = """
.nbr .nbr-{name} {{ color: {hue}; }}
@supports (color: color-mix(in srgb, red, blue)) {{
  .nbr .nbr-{name} {{ color: color-mix(in srgb, {hue} 80%, currentColor); }}
}}
"""


def _sheet() -> str:
    tones = "".join(_TONE.format(tone=tone, hue=hue) for tone, hue in _HUES.items())
    tones += "".join(_PLOTTED.format(name=name, hue=hue) for name, hue in (_SERIES | _SYNTAX).items())
    # Every output carries its sheet, as a saved notebook shows each on its own: no byte more than needed.
    return re.sub(r"\s*([{};,>])\s*", r"\1", re.sub(r"\s+", " ", _SHEET + tones)).strip()


SHEET = _sheet()
"""The style sheet, a constant: nothing of any object enters it."""
