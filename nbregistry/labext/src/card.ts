// The card of a version in a tab of its own.

import { IThemeManager } from '@jupyterlab/apputils';
import { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';

import { Card, Client, said } from './client';
import { made } from './elements';
import { Changed, Follower } from './follower';

/** What the card's style sheet takes from the theme; the frame cannot see the page's own. */
const VARIABLES = [
  '--jp-content-font-color1',
  '--jp-content-link-color',
  '--jp-ui-font-family',
  '--jp-ui-font-size1',
  '--jp-code-font-family',
  '--jp-layout-color0',
  '--jp-layout-color1'
];

/**
 * Shows what the server has drawn, in a frame that may run nothing and fetch nothing.
 *
 * JupyterLab's sanitizer would be the other way. It takes the style sheet away, without which a card is a heap of
 * words, and what it lets through is a list that others maintain for other needs. The frame does not care what is in
 * it: without `allow-scripts` and `allow-same-origin` nothing runs and nothing reads our cookies, and its own policy
 * lets nothing be fetched. A link opens in a window of its own, when somebody clicks it.
 */
export class CardView extends Widget {
  private readonly _frame = document.createElement('iframe');
  private readonly _note = made('div', 'nbr-lab-note nbr-lab-trouble');
  private _html = '';

  constructor(
    readonly client: Client,
    readonly ref: string,
    private readonly _follower: Follower,
    private readonly _themes: IThemeManager | null
  ) {
    super();
    this.addClass('nbr-lab-card');
    this._frame.setAttribute('sandbox', 'allow-popups allow-popups-to-escape-sandbox');
    this._frame.title = `Card of ${ref}`;
    this._note.setAttribute('role', 'status');
    this.node.append(this._note, this._frame);
    _follower.changed.connect(this._news, this);
    _themes?.themeChanged.connect(this._draw, this);
    void this.refresh();
  }

  async refresh(): Promise<void> {
    try {
      const card = await this.client.get<Card>('card', { ref: this.ref });
      this._note.textContent = '';
      this._follower.begin(this.client, card);
      if (card.html !== this._html) {
        this._html = card.html;
        this._draw();
      }
    } catch (error) {
      this._note.textContent = said(error); // what was shown before stays below it
    }
  }

  dispose(): void {
    this._follower.changed.disconnect(this._news, this);
    this._follower.watch(this, false);
    this._themes?.themeChanged.disconnect(this._draw, this);
    super.dispose();
  }

  protected onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this._follower.watch(this, this.isVisible);
  }

  protected onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._follower.watch(this, true);
    void this.refresh();
  }

  protected onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this._follower.watch(this, false);
  }

  private _news(_: Follower, changed: Changed): void {
    if (changed === null || changed.has(this.ref.split(/[/@]/)[0])) {
      void this.refresh();
    }
  }

  private _draw(): void {
    if (this._html) {
      this._frame.srcdoc = page(this._html);
    }
  }
}

function page(html: string): string {
  const style = getComputedStyle(document.body);
  const theme = VARIABLES.map(name => [name, style.getPropertyValue(name).trim()])
    .filter(([, value]) => value && !/[<>{};\\]/.test(value))
    .map(([name, value]) => `${name}: ${value};`)
    .join(' ');
  const scheme = document.body.dataset.jpThemeLight === 'false' ? 'dark' : 'light';
  return `<!DOCTYPE html><html><head><meta charset="utf-8"><base target="_blank">
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
    <style>
      :root { ${theme} color-scheme: ${scheme}; }
      body { margin: 0; padding: 16px 20px; background: var(--jp-layout-color0); color: var(--jp-content-font-color1); }
      body > .nbr-card { border: 0; padding: 0; max-width: 1100px; }
    </style></head><body>${html}</body></html>`;
}
