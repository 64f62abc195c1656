"""How panels look, on top of what ``display.style`` gives everything we show: spacing, labels above their controls.

Colours are those of the page: variables of JupyterLab and Voila where they are set, mixes of the text colour elsewhere.
"""

from __future__ import annotations

import re

_SHEET = """
.nbr-panel {
  border: 1px solid var(--jp-border-color2, rgba(128, 128, 128, .35)); border-radius: 6px; padding: 12px 16px 14px;
  margin: 4px 0; max-width: 1080px; overflow: visible; box-sizing: border-box; gap: 8px;
}
.nbr-panel .nbr-panel { border: 0; padding: 0; margin: 0; max-width: none; }
.nbr-panel > .widget-html, .nbr-panel .widget-html { margin: 0; }
.nbr-panel .widget-html-content { line-height: 1.5; }
.nbr-panel .nbr { margin: 0; }
.nbr-panel .nbr-hidden { display: none; }
.nbr-panel .nbr-stack { gap: 8px; overflow: visible; }
.nbr-panel .nbr-row { gap: 8px 10px; flex-wrap: wrap; align-items: flex-end; overflow: visible; }
.nbr-panel .nbr-grow { flex: 1 1 0; min-width: 0; }
.nbr-panel .nbr-field, .nbr-panel .nbr-field.widget-inline-hbox {
  display: flex; flex-direction: column; align-items: stretch; height: auto; width: auto; min-width: 160px; margin: 0;
  overflow: visible;
}
.nbr-panel .nbr-field > .widget-label {
  width: auto; max-width: none; text-align: left; height: auto; line-height: 1.4; margin: 0 0 3px; overflow: visible;
  color: var(--jp-ui-font-color1, inherit); font-size: var(--jp-ui-font-size1, 13px); font-weight: 500;
}
.nbr-panel .nbr-field input, .nbr-panel .nbr-field select, .nbr-panel .nbr-field textarea {
  width: 100%; margin: 0; flex: none; box-sizing: border-box;
}
.nbr-panel .nbr-field > select, .nbr-panel .nbr-field > input { height: var(--jp-widgets-inline-height, 28px); }
.nbr-panel .nbr-field > select {
  background-image: linear-gradient(45deg, transparent 50%, currentColor 50%),
    linear-gradient(135deg, currentColor 50%, transparent 50%);
  background-position: right 13px center, right 8px center; background-size: 5px 5px; background-repeat: no-repeat;
  padding-right: 24px;
}
.nbr-panel .nbr-field textarea { min-height: 58px; resize: vertical; font-family: inherit; line-height: 1.45; }
.nbr-panel .nbr-tick { width: auto; margin: 0; }
.nbr-panel .nbr-tick .widget-label-basic { align-items: center; gap: 4px; }
.nbr-panel .nbr-views { margin: 2px 0 0; width: auto; }
.nbr-panel .jupyter-button {
  width: auto; min-width: 0; padding: 0 12px; border-radius: 4px; margin: 0; font-weight: 500; box-shadow: none;
}
.nbr-panel .nbr-views { border-bottom: 1px solid var(--jp-border-color2, rgba(128, 128, 128, .35)); }
.nbr-panel .nbr-views .jupyter-button {
  background: transparent; color: var(--jp-ui-font-color2, inherit); border-radius: 0; padding: 0 10px;
  margin: 0 0 -1px; border-bottom: 2px solid transparent; box-shadow: none;
}
.nbr-panel .nbr-views .jupyter-button:hover { color: var(--jp-ui-font-color0, inherit); }
.nbr-panel .nbr-views .jupyter-button.mod-active {
  color: var(--jp-ui-font-color0, inherit); border-bottom-color: var(--jp-brand-color1, #1976d2); font-weight: 600;
}
.nbr-panel .jupyter-button.nbr-held::after { content: " … waits for the kernel"; font-weight: 400; }
.nbr-panel .jupyter-button:disabled, .nbr-panel .jupyter-button:disabled:hover {
  opacity: 1; cursor: default; box-shadow: none; color: var(--jp-ui-font-color2, inherit);
  background: var(--jp-layout-color2, rgba(128, 128, 128, .18));
}
.nbr-panel :is(button, input, select, textarea, summary, [tabindex]):focus-visible {
  outline: 2px solid var(--jp-brand-color1, #1976d2); outline-offset: 1px;
}
.nbr-panel .nbr-apart { justify-content: space-between; align-items: center; }
.nbr-panel .nbr-below { border-top: 1px solid var(--jp-border-color2, rgba(128, 128, 128, .35)); padding-top: 12px; }
.nbr-panel .nbr-trail { gap: 2px 6px; align-items: baseline; font-size: 1.15em; }
.nbr-panel .nbr-trail .jupyter-button {
  background: transparent; border: 0; padding: 0; height: auto; line-height: 1.5; font-weight: 400; font-size: inherit;
  color: var(--jp-content-link-color, #1976d2);
}
.nbr-panel .nbr-trail .jupyter-button:hover { text-decoration: underline; }
.nbr-panel .nbr-trail .widget-html { flex: none; width: auto; height: auto; }
.nbr-panel .nbr-deed {
  border: 1px solid var(--jp-border-color1, rgba(128, 128, 128, .5)); border-radius: 6px; padding: 12px 14px;
}
.nbr-panel .nbr-strip { border-radius: 4px; }
.nbr-panel .nbr-strip:not(:has(.nbr)) { display: none; }
.nbr-panel .nbr-strip .nbr-banner { margin: 0; }
.nbr-panel .nbr-strip pre { white-space: pre-wrap; max-height: 220px; overflow: auto; margin: 6px 0 0; }
.nbr-panel .nbr-confirm {
  border: 1px solid var(--jp-warn-color1, #d08700); border-radius: 6px; padding: 10px 12px; gap: 8px; overflow: visible;
}
.nbr-panel .nbr-confirm .nbr-facts th { min-width: 8ch; }
.nbr-panel .nbr-quiet, .nbr-panel .nbr-quiet:hover:enabled {
  background: transparent; box-shadow: none; height: auto; line-height: 1.6; padding: 0; align-self: flex-start;
  color: var(--jp-content-link-color, var(--jp-brand-color1, inherit)); font-size: 12px; font-weight: 400;
}
.nbr-panel .nbr-quiet:hover:enabled { text-decoration: underline; }
.nbr-panel .widget-html:has(> .widget-html-content:empty) { display: none; }
.nbr-panel .nbr-row > .nbr-tick { align-self: center; }
.nbr-panel .nbr-outlook { padding-top: 4px; }
.nbr-panel .nbr-sketch { border-left: 3px solid var(--jp-border-color2, rgba(128, 128, 128, .35)); padding-left: 12px; }
.nbr-panel .nbr-thread { gap: 4px; padding-top: 2px; }
.nbr-panel .nbr-entry { overflow: visible; padding: 0; }
.nbr-panel .nbr-entry:not([class*=nbr-deep]):not(:first-child) { margin-top: 10px; }
.nbr-panel .nbr-entry .nbr-note { margin: 0; }
.nbr-panel .nbr-entry .nbr-row { gap: 0 10px; }
.nbr-panel :is(.nbr-deep-1, .nbr-deep-2, .nbr-deep-3, .nbr-deep-4) {
  border-left: 2px solid var(--jp-border-color2, rgba(128, 128, 128, .35)); padding-left: 12px;
}
.nbr-panel .nbr-deep-1 { margin-left: 4px; }
.nbr-panel .nbr-deep-2 { margin-left: 22px; }
.nbr-panel .nbr-deep-3 { margin-left: 40px; }
.nbr-panel .nbr-deep-4 { margin-left: 58px; }
.nbr-panel .nbr-bar { height: 4px; width: 100%; border-radius: 2px; margin: 2px 0; overflow: hidden; }
.nbr-panel .widget-hprogress, .nbr-panel .nbr-bar .progress { height: 4px; min-height: 4px; }
@media print { .nbr-panel { border: 0; padding: 0; max-width: none; } .nbr-panel .jupyter-button { display: none; } }
"""

SHEET = re.sub(r"\s*([{};,])\s*", r"\1", re.sub(r"\s+", " ", _SHEET)).strip()
"""The style sheet, a constant: nothing of any object enters it."""
