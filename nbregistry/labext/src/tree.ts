// Where the arrow keys lead in a tree of two levels.

import { ROW } from './rows';

/** Return the row that a key leads to, or null when it leads nowhere. */
export function moved(list: HTMLElement, row: HTMLElement, key: string): HTMLElement | null {
  const rows = [...list.querySelectorAll<HTMLElement>(`.${ROW}`)];
  const at = rows.indexOf(row);
  const level = row.getAttribute('aria-level');
  switch (key) {
    case 'ArrowDown':
      return rows[at + 1] ?? null;
    case 'ArrowUp':
      return rows[at - 1] ?? null;
    case 'Home':
      return rows[0] ?? null;
    case 'End':
      return rows[rows.length - 1] ?? null;
    case 'ArrowRight': {
      const next = rows[at + 1];
      return next && level === '1' && next.getAttribute('aria-level') === '2' ? next : null;
    }
    case 'ArrowLeft':
      return level === '2' ? (rows.slice(0, at).reverse().find(r => r.getAttribute('aria-level') === '1') ?? null) : null;
    default:
      return null;
  }
}
