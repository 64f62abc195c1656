// The registry browser in a tab: pages that the server draws, in a frame that runs nothing.

import { IThemeManager } from '@jupyterlab/apputils';
import { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';

import { browserUrl } from './client';
import { Follower } from './follower';

/** The frame has our origin, so that links in it find the login; without `allow-scripts` nothing can misuse that. */
const SANDBOX = 'allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox';

export class BrowserView extends Widget {
  private readonly _frame = document.createElement('iframe');
  private _old = false;
  private _name = '';
  private _number = 0;

  constructor(
    private readonly _baseUrl: string,
    private _folder: string,
    private readonly _follower: Follower,
    private readonly _themes: IThemeManager | null
  ) {
    super();
    this.addClass('nbr-lab-card');
    this._frame.setAttribute('sandbox', SANDBOX);
    this._frame.title = 'Registry browser';
    this.node.append(this._frame);
    this._frame.addEventListener('load', () => this._loaded());
    _follower.changed.connect(this._changed, this);
    _themes?.themeChanged.connect(this._themed, this);
  }

  /** Show a model, a version of it, or everything. */
  go(folder: string, name: string, number: number): void {
    [this._folder, this._name, this._number] = [folder, name, number];
    this._frame.src = browserUrl(this._baseUrl, folder, name, number);
  }

  dispose(): void {
    this._follower.changed.disconnect(this._changed, this);
    this._follower.watch(this, false);
    this._themes?.themeChanged.disconnect(this._themed, this);
    super.dispose();
  }

  protected onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this._follower.watch(this, this.isVisible);
  }

  protected onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._follower.watch(this, true);
    if (this._old) {
      this._again();
    }
  }

  protected onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this._follower.watch(this, false);
  }

  private _loaded(): void {
    const page = this._frame.contentDocument;
    // A link of somebody's note leads out of JupyterLab, so it gets a window of its own.
    for (const link of page?.querySelectorAll<HTMLAnchorElement>('a[href^="http"], a[href^="mailto"]') ?? []) {
      link.target = '_blank';
    }
    const parts = (page?.title ?? '').split(' · '); // version 3 · churn · Model registry
    this.title.label = parts.length > 1 ? parts.slice(0, -1).reverse().join(' ') : parts[0] || this.title.label;
  }

  private _changed(): void {
    if (this.isVisible) {
      this._again();
    } else {
      this._old = true;
    }
  }

  private _themed(): void {
    this.go(this._folder, this._name, this._number);
  }

  /** Load what is shown anew, wherever its links have led. */
  private _again(): void {
    this._old = false;
    this._frame.contentWindow?.location.reload();
  }
}
