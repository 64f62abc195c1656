// Elements, made of text only: nothing that anybody typed is ever read as markup.

type Child = Node | string;

/** Return an element of a class, with text and other elements in it. */
export function made(tag: string, name: string, ...children: Child[]): HTMLElement {
  const element = document.createElement(tag);
  element.className = name;
  element.append(...children); // a string becomes a text node
  return element;
}

const TONES: Record<string, string> = { Production: 'good', Staging: 'info' };

/** Return the badge of a stage; what stands in no stage has none. */
export function stageBadge(stage: string, number?: number): HTMLElement[] {
  if (stage === 'None') {
    return [];
  }
  const text = number === undefined ? stage : `${stage} ${number}`;
  return [made('span', `nbr-lab-badge nbr-lab-${TONES[stage] ?? 'quiet'}`, text)];
}

/** Return the pill of an alias. */
export function aliasPill(alias: string, number?: number): HTMLElement {
  const text = number === undefined ? `@${alias}` : `@${alias} ${number}`;
  const pill = made('span', 'nbr-lab-alias', text);
  pill.title = text; // where there is no room, it is cut
  return pill;
}

/** Return a metric with its name, to stand at the right; the whole name is in the tooltip. */
export function metric(name: string, value: string): HTMLElement[] {
  if (!value) {
    return [];
  }
  const label = made('span', 'nbr-lab-metric-name', name);
  const found = made('span', 'nbr-lab-metric', label, made('span', 'nbr-lab-number', value));
  found.title = `${name} ${value}`;
  return [found];
}

/** Return how long ago a moment was, in its largest unit; beyond a month, the date. */
export function ago(stamp: string, now = Date.now()): string {
  const seconds = (now - Date.parse(stamp)) / 1000;
  if (!(seconds >= 60)) {
    return 'just now';
  }
  for (const [unit, length] of [['d', 86_400], ['h', 3_600], ['min', 60]] as const) {
    const count = Math.floor(seconds / length);
    if (count >= 1) {
      return unit === 'd' && count > 30 ? stamp.slice(0, 10) : `${count} ${unit} ago`;
    }
  }
  return 'just now';
}
