// The rows of the sidebar: a model in two lines, its versions below it.

import { addBelowIcon, caretRightIcon, fileIcon, LabIcon } from '@jupyterlab/ui-components';

import { Model, Version } from './client';
import { ago, aliasPill, made, metric, stageBadge } from './elements';

/** What a row stands for, kept on its element. */
export interface Meaning {
  /** What `%load_model` takes; empty when there is nothing to load. */
  load: string;
  /** Of which version the card is. */
  ref: string;
  name: string;
  number: number | null;
}

export const MEANINGS = new WeakMap<Element, Meaning>();
export const ROW = 'nbr-lab-row';

/** What can be done with a row by pointing at it; the same is in its context menu. */
export interface Deeds {
  insert: (meaning: Meaning) => void;
  card: (meaning: Meaning) => void;
}

/** Return the row of a model. */
export function modelRow(model: Model, open: boolean, deeds: Deeds): HTMLElement {
  const newest = model.latest === null ? '' : `${model.name}/${model.latest}`;
  const meaning = { load: model.load, ref: model.load || newest, name: model.name, number: null };
  const caret = made('span', 'nbr-lab-caret');
  caretRightIcon.element({ container: caret, tag: 'span' });
  const name = made('span', 'nbr-lab-name', model.name);
  name.title = model.summary ? `${model.name}: ${model.summary}` : model.name;
  const badges = [
    ...['Production', 'Staging'].flatMap(s => (s in model.stages ? stageBadge(s, model.stages[s]) : [])),
    ...Object.entries(model.aliases).slice(0, 3).map(([alias, number]) => aliasPill(alias, number))
  ];
  const count = `${model.versions} version${model.versions === 1 ? '' : 's'}`;
  const row = made(
    'div',
    `${ROW} nbr-lab-model`,
    made('div', 'nbr-lab-line', caret, name, ...metric(model.metric, model.value)),
    made('div', 'nbr-lab-line nbr-lab-under', ...badges, made('span', 'nbr-lab-rest', count))
  );
  const spoken = [model.name, ...badges.map(b => b.textContent), model.metric, model.value, count];
  finish(row, meaning, spoken, deeds);
  row.setAttribute('aria-level', '1');
  row.setAttribute('aria-expanded', String(open));
  return row;
}

/** Return the row of a version; `full` when it stands alone, without its model above it. */
export function versionRow(version: Version, full: boolean, deeds: Deeds): HTMLElement {
  const ready = version.status === 'READY';
  const { ref, name, number } = version;
  const meaning = { load: ready ? ref : '', ref, name, number };
  const title = made('span', 'nbr-lab-name', full ? ref : String(number));
  const badges = [
    ...(ready ? [] : [made('span', 'nbr-lab-badge nbr-lab-bad', 'failed')]),
    ...stageBadge(version.stage),
    ...version.aliases.slice(0, 3).map(alias => aliasPill(alias))
  ];
  const about = [version.note, version.created_by, ago(version.created_at)].filter(text => text).join(' · ');
  const below = made('div', 'nbr-lab-line nbr-lab-under', made('span', 'nbr-lab-about', about));
  below.title = about;
  const row = made(
    'div',
    `${ROW} nbr-lab-version`,
    made('div', 'nbr-lab-line', title, ...badges, ...metric(version.metric, version.value)),
    below
  );
  finish(row, meaning, [ref, ...badges.map(b => b.textContent), version.metric, version.value, about], deeds);
  row.setAttribute('aria-level', full ? '1' : '2');
  return row;
}

function finish(row: HTMLElement, meaning: Meaning, spoken: (string | null)[], deeds: Deeds): void {
  MEANINGS.set(row, meaning);
  row.setAttribute('role', 'treeitem');
  row.setAttribute('aria-label', spoken.filter(text => text).join(', '));
  row.tabIndex = -1;
  const buttons = [];
  if (meaning.load) {
    buttons.push(deed(addBelowIcon, `Insert %load_model ${meaning.load}`, () => deeds.insert(meaning)));
  }
  if (meaning.ref) {
    buttons.push(deed(fileIcon, `Open the card of ${meaning.ref}`, () => deeds.card(meaning)));
  }
  row.append(made('div', 'nbr-lab-deeds', ...buttons));
}

/** Return a button that is not in the order of TAB: keys have the context menu and Enter. */
function deed(icon: LabIcon, title: string, act: () => void): HTMLElement {
  const button = made('button', 'nbr-lab-deed jp-Button jp-mod-minimal');
  button.title = title;
  button.tabIndex = -1;
  button.setAttribute('aria-hidden', 'true');
  icon.element({ container: button, tag: 'span' });
  button.addEventListener('click', event => {
    event.stopPropagation();
    act();
  });
  return button;
}
