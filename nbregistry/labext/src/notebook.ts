// What is put into the notebook in front: lines for the user to run, never run by us.

import { INotebookTracker, NotebookActions, NotebookPanel } from '@jupyterlab/notebook';

const EXTENSION = '%load_ext nbregistry';

/**
 * Insert lines into the notebook in front: into its active cell when that is code and empty, else into a new cell
 * below; or at the cursor. Returns the notebook, or null when there is none.
 */
export function insert(tracker: INotebookTracker, text: string, atCursor = false): NotebookPanel | null {
  const panel = tracker.currentWidget;
  if (!panel || !panel.content.model || panel.content.model.readOnly) {
    return null;
  }
  const { content: notebook } = panel;
  const cell = notebook.activeCell;
  if (atCursor && cell?.model.type === 'code' && cell.editor) {
    cell.editor.replaceSelection?.(text);
    return panel;
  }
  if (cell?.model.type !== 'code' || cell.model.sharedModel.getSource().trim()) {
    NotebookActions.insertBelow(notebook);
  }
  notebook.activeCell?.model.sharedModel.setSource(withExtension(panel, text));
  return panel;
}

/** Put the line that brings the magics before what needs them, where no cell has it yet. */
function withExtension(panel: NotebookPanel, text: string): string {
  const cells = [...(panel.content.model?.cells ?? [])];
  const there = cells.some(cell => cell.sharedModel.getSource().includes(EXTENSION));
  return there || text.includes(EXTENSION) ? text : `${EXTENSION}\n${text}`;
}

/** Return the folder of the notebook in front, as the contents API names it; the server's root without one. */
export function folder(tracker: INotebookTracker, localPath: (path: string) => string): string {
  const path = tracker.currentWidget?.context.path;
  return path ? localPath(path).split('/').slice(0, -1).join('/') : '';
}
