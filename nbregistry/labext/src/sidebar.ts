// The sidebar: models with what stands where, found by typing, kept up to date.

import { LabIcon, refreshIcon } from '@jupyterlab/ui-components';
import { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';

import { Client, Model, Models, Place, said, Version, Versions } from './client';
import { made } from './elements';
import { Changed, Follower } from './follower';
import { registryIcon } from './icons';
import { Deeds, Meaning, MEANINGS, modelRow, ROW, versionRow } from './rows';
import { moved } from './tree';

const PAGE = 100;
const VERSIONS = 50;
const PATIENCE = 150; // milliseconds after a key before the server is asked
/** What tells a filter of the search language from words to look for. */
const LANGUAGE = /[=<>]|\s(like|ilike|rlike|in|is|between)\s/i;

/** What the sidebar leaves to the application. */
export interface Outside extends Deeds {
  /** Put the first steps into the notebook in front. */
  begin: () => void;
  browse: (meaning: Meaning | null) => void;
}

export class Sidebar extends Widget {
  private readonly _search = document.createElement('input');
  private readonly _note = made('div', 'nbr-lab-note');
  private readonly _list = made('div', 'nbr-lab-list');
  private readonly _foot = made('div', 'nbr-lab-foot');
  private readonly _open = new Map<string, Version[]>();
  private _models: Model[] = [];
  private _total = 0;
  private _shown = PAGE;
  private _place: Place | null = null;
  private _timer = 0;
  private _turn = 0;
  private _loaded = false;

  constructor(
    private _client: Client,
    private readonly _follower: Follower,
    private readonly _outside: Outside
  ) {
    super();
    this.id = 'nbregistry-sidebar';
    this.addClass('nbr-lab');
    this.title.icon = registryIcon;
    this.title.caption = 'Model registry';
    this._search.type = 'search';
    this._search.className = 'nbr-lab-search';
    this._search.placeholder = 'Search models';
    this._search.spellcheck = false;
    this._search.setAttribute('aria-label', 'Search models, or versions: metrics.auc > 0.9');
    this._search.title = 'Words to find models, or a filter to find versions, as in metrics.auc > 0.9';
    const browse = button(registryIcon, 'Open the registry browser', () => this._outside.browse(this.selected()));
    const again = button(refreshIcon, 'Read the registry anew', () => void this.refresh());
    this.node.append(
      made('div', 'nbr-lab-head', made('h2', 'nbr-lab-title', 'Model registry'), again, browse),
      made('div', 'nbr-lab-bar', this._search),
      this._note,
      this._list,
      this._foot
    );
    this._note.setAttribute('role', 'status');
    this._list.setAttribute('role', 'tree');
    this._list.setAttribute('aria-label', 'Models');
    this._search.addEventListener('input', () => this._typed());
    this._search.addEventListener('keydown', event => this._searchKey(event));
    this._list.addEventListener('click', event => this._clicked(event));
    this._list.addEventListener('keydown', event => this._key(event));
    _follower.changed.connect((_, changed) => void this._news(changed));
    _follower.answers.connect((_, answers) =>
      this._say(answers ? '' : 'The Jupyter server does not answer. What is shown may be old; asking again.', true)
    );
  }

  /** Show the registry of another folder. */
  follow(client: Client): void {
    if (client.folder !== this._client.folder) {
      this._client = client;
      if (this._loaded) {
        void this.refresh();
      }
    }
  }

  /** What the row with the focus stands for, or the first one's. */
  selected(): Meaning | null {
    const row = this._list.querySelector(`.${ROW}[tabindex="0"]`);
    return (row && MEANINGS.get(row)) ?? null;
  }

  /** What the row under an element stands for. */
  meaning(element: Element | null): Meaning | null {
    const row = element?.closest(`.${ROW}`);
    return (row && MEANINGS.get(row)) ?? null;
  }

  /** Put the cursor into the search box. */
  search(): void {
    this._search.focus();
    this._search.select();
  }

  /** Read everything shown; an answer that a newer question has overtaken is dropped. */
  async refresh(): Promise<void> {
    const turn = ++this._turn;
    const client = this._client;
    const text = this._search.value.trim();
    this._loaded = true;
    try {
      const place = await client.get<Place>('place');
      if (LANGUAGE.test(text)) {
        const found = await client.get<Versions>('search', { filter: text, limit: PAGE });
        if (turn === this._turn) {
          this._place = place;
          this._follower.from(client, found);
          this._drawFound(found);
        }
        return;
      }
      const found = await client.get<Models>('models', { filter: text, limit: this._shown });
      const open = [...this._open.keys()].filter(name => found.models.some(m => m.name === name));
      const lists = await Promise.all(open.map(name => this._versions(client, name)));
      if (turn !== this._turn) {
        return;
      }
      this._open.clear();
      open.forEach((name, i) => this._open.set(name, lists[i]));
      this._place = place;
      this._models = found.models;
      this._total = found.total;
      this._follower.from(client, found);
      this._draw(text);
    } catch (error) {
      if (turn === this._turn) {
        this._say(said(error).split('\n')[0], false); // a filter that is being typed: what follows points at its place
      }
    }
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

  protected onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    this.search();
  }

  private async _versions(client: Client, name: string): Promise<Version[]> {
    return (await client.get<Versions>('versions', { name, limit: VERSIONS })).versions;
  }

  private async _news(changed: Changed): Promise<void> {
    if (this.isVisible && (changed === null || changed.size > 0)) {
      await this.refresh();
    }
  }

  private _typed(): void {
    window.clearTimeout(this._timer);
    this._shown = PAGE;
    this._timer = window.setTimeout(() => void this.refresh(), PATIENCE);
  }

  private _searchKey(event: KeyboardEvent): void {
    if (event.key === 'ArrowDown' || event.key === 'Enter') {
      event.preventDefault();
      (this._list.querySelector(`.${ROW}`) as HTMLElement | null)?.focus();
    } else if (event.key === 'Escape' && this._search.value) {
      event.stopPropagation();
      this._search.value = '';
      this._typed();
    }
  }

  // -- drawing

  private _say(text: string, trouble: boolean): void {
    this._note.textContent = text;
    this._note.classList.toggle('nbr-lab-trouble', trouble);
  }

  private _draw(text: string): void {
    const rows: HTMLElement[] = [];
    for (const model of this._models) {
      const versions = this._open.get(model.name);
      rows.push(modelRow(model, versions !== undefined, this._outside));
      for (const version of versions ?? []) {
        rows.push(versionRow(version, false, this._outside));
      }
      if (versions && model.versions > versions.length) {
        rows.push(item(made('div', 'nbr-lab-more', `the newest ${versions.length} of ${model.versions}`)));
      }
    }
    if (this._total > this._models.length) {
      const more = made('button', 'nbr-lab-more jp-Button jp-mod-minimal', `${this._total - this._models.length} more`);
      more.addEventListener('click', () => {
        this._shown = Math.min(this._shown + PAGE, 1000);
        void this.refresh();
      });
      rows.push(item(more));
    }
    this._say(this._place?.notices.join(' ') ?? '', true);
    this._put(rows.length > 0 ? rows : [text ? nothing(text) : this._beginning()]);
  }

  private _drawFound(found: Versions): void {
    const rows = found.versions.map(version => versionRow(version, true, this._outside));
    const count = `${found.versions.length}${found.cursor ? ' or more' : ''}`;
    this._say(rows.length > 0 ? `${count} version${count === '1' ? '' : 's'}` : '', false);
    this._put(rows.length > 0 ? rows : [nothing(this._search.value)]);
  }

  /** Replace the rows; the one with the focus keeps it. */
  private _put(rows: HTMLElement[]): void {
    const before = this.selected();
    const focused = this._list.contains(document.activeElement);
    const top = this._list.scrollTop;
    this._list.replaceChildren(...rows);
    this._list.scrollTop = top;
    const all = [...this._list.querySelectorAll<HTMLElement>(`.${ROW}`)];
    const same = all.find(row => {
      const meaning = MEANINGS.get(row);
      return before && meaning?.name === before.name && meaning.number === before.number;
    });
    const chosen = same ?? all[0];
    if (chosen) {
      chosen.tabIndex = 0;
    }
    if (focused) {
      chosen?.focus();
    }
    this._foot.replaceChildren(made('bdi', '', this._place?.exists ? this._place.uri : ''));
    this._foot.hidden = !this._place?.exists;
    this._foot.title = this._place?.exists ? `${this._place.uri}, as ${this._place.user}` : '';
  }

  /** What there is to do where there is no model yet. */
  private _beginning(): HTMLElement {
    const begin = made('button', 'nbr-lab-begin jp-Button jp-mod-styled jp-mod-accept', 'Insert into the notebook');
    begin.addEventListener('click', () => this._outside.begin());
    return made(
      'div',
      'nbr-lab-empty',
      made('p', 'nbr-lab-strong', this._place?.exists ? 'No models yet' : 'No registry here yet'),
      made('p', '', 'A model that you register in a notebook of this folder appears here:'),
      made('pre', 'nbr-lab-code', '%load_ext nbregistry\n%register churn model'),
      begin
    );
  }

  // -- using

  private _clicked(event: MouseEvent): void {
    const row = (event.target as Element).closest<HTMLElement>(`.${ROW}`);
    if (row) {
      this._choose(row);
      void this._act(row);
    }
  }

  private _key(event: KeyboardEvent): void {
    const row = (event.target as Element).closest<HTMLElement>(`.${ROW}`);
    if (!row || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const open = row.getAttribute('aria-expanded');
    if (event.key === 'Enter' || event.key === ' ') {
      void this._act(row);
    } else if ((event.key === 'ArrowRight' && open === 'false') || (event.key === 'ArrowLeft' && open === 'true')) {
      void this._toggle(row);
    } else {
      const next = moved(this._list, row, event.key);
      if (!next) {
        return;
      }
      this._choose(next);
    }
    event.preventDefault();
    event.stopPropagation();
  }

  private _choose(row: HTMLElement): void {
    for (const other of this._list.querySelectorAll<HTMLElement>(`.${ROW}[tabindex="0"]`)) {
      other.tabIndex = -1;
    }
    row.tabIndex = 0;
    row.focus();
  }

  private async _act(row: HTMLElement): Promise<void> {
    const meaning = MEANINGS.get(row);
    if (row.hasAttribute('aria-expanded')) {
      await this._toggle(row);
    } else if (meaning) {
      this._outside.card(meaning);
    }
  }

  private async _toggle(row: HTMLElement): Promise<void> {
    const name = MEANINGS.get(row)?.name ?? '';
    if (this._open.delete(name)) {
      this._draw(this._search.value.trim());
      return;
    }
    try {
      this._open.set(name, await this._versions(this._client, name));
      this._draw(this._search.value.trim());
    } catch (error) {
      this._say(said(error), true);
    }
  }
}

/** A tree holds nothing but items. */
function item(found: HTMLElement): HTMLElement {
  found.setAttribute('role', 'treeitem');
  return found;
}

function nothing(text: string): HTMLElement {
  return made('div', 'nbr-lab-empty', made('p', '', `Nothing matches “${text}”.`));
}

function button(icon: LabIcon, title: string, act: () => void): HTMLElement {
  const made_ = made('button', 'nbr-lab-tool jp-Button jp-mod-minimal');
  made_.title = title;
  made_.setAttribute('aria-label', title);
  icon.element({ container: made_, tag: 'span' });
  made_.addEventListener('click', act);
  return made_;
}
