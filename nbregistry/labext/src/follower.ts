// Follows the ledger: asks for what is new, and lets whoever shows something know that it may be old.

import { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';

import { At, Client, News } from './client';

const WAIT = 20;
const LONGEST_PAUSE = 30;
const SOON = 2;

/** What happened: the models concerned, or null when it may be any. */
export type Changed = Set<string> | null;

/**
 * Asks while somebody shows something and the page can be seen; a tab in the background asks nothing and catches up
 * when it is looked at.
 */
export class Follower implements IDisposable {
  private readonly _changed = new Signal<this, Changed>(this);
  private readonly _state = new Signal<this, boolean>(this);
  private readonly _watching = new Set<unknown>();
  private _at: At | null = null;
  private _stop: AbortController | null = null;
  private _wake: (() => void) | null = null;
  private _disposed = false;

  constructor(private _client: Client) {
    document.addEventListener('visibilitychange', this._look);
    void this._follow();
  }

  /** Emitted when something was committed. */
  get changed(): ISignal<this, Changed> {
    return this._changed;
  }

  /** Emitted with whether the server answers, at each change of that. */
  get answers(): ISignal<this, boolean> {
    return this._state;
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  /** Follow another registry from what was just read of it. */
  from(client: Client, at: At): void {
    if (client.folder !== this._client.folder || at.store !== this._at?.store || at.seq > this._at.seq) {
      this._client = client;
      this._at = at;
      this._stop?.abort();
      this._wake?.();
    }
  }

  /** Begin with what was just read, if nothing is followed yet. */
  begin(client: Client, at: At): void {
    if (!this._at) {
      this.from(client, at);
    }
  }

  /** Say whether somebody shows something that can grow old. */
  watch(who: unknown, shown: boolean): void {
    if (shown) {
      this._watching.add(who);
    } else {
      this._watching.delete(who);
    }
    this._look();
  }

  dispose(): void {
    this._disposed = true;
    document.removeEventListener('visibilitychange', this._look);
    this._stop?.abort();
    this._wake?.();
    Signal.clearData(this);
  }

  private readonly _look = (): void => {
    if (this._wanted()) {
      this._wake?.();
    } else {
      this._stop?.abort();
    }
  };

  private _wanted(): boolean {
    return this._watching.size > 0 && document.visibilityState !== 'hidden';
  }

  private async _follow(): Promise<void> {
    let failures = 0;
    while (!this._disposed) {
      const at = this._at;
      if (!this._wanted() || !at) {
        await this._pause(null);
        continue;
      }
      const stop = (this._stop = new AbortController());
      const asked = performance.now();
      try {
        const news = await this._client.get<News>('events', { since: at.seq, wait: WAIT }, stop.signal);
        if (failures > 0) {
          this._state.emit(true);
        }
        failures = 0;
        if (!stop.signal.aborted) {
          this._tell(at, news);
          if (news.events.length === 0 && performance.now() - asked < 1000 * SOON) {
            await this._pause(SOON); // too many are waiting there: it answered at once
          }
        }
      } catch {
        if (!stop.signal.aborted) {
          failures += 1;
          this._state.emit(false);
          await this._pause(Math.min(2 ** failures, LONGEST_PAUSE));
        }
      }
    }
  }

  private _tell(at: At, news: News): void {
    this._at = { store: news.store, seq: news.seq };
    if (news.missed || (at.store && news.store !== at.store)) {
      this._changed.emit(null);
    } else if (news.events.length > 0) {
      this._changed.emit(new Set(news.events.map(event => event.target.split(/[/@]/)[0])));
    }
  }

  /** Wait until woken, or for some seconds. */
  private _pause(seconds: number | null): Promise<void> {
    return new Promise(resolve => {
      const timer = seconds === null ? 0 : window.setTimeout(resolve, 1000 * seconds);
      this._wake = () => {
        window.clearTimeout(timer);
        resolve();
      };
    });
  }
}
