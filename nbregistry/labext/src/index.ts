// The registry in JupyterLab: a sidebar, cards in tabs, a launcher card, commands.

import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import {
  CommandToolbarButton,
  ICommandPalette,
  IThemeManager,
  MainAreaWidget,
  Notification,
  WidgetTracker
} from '@jupyterlab/apputils';
import { ILauncher } from '@jupyterlab/launcher';
import { INotebookTracker } from '@jupyterlab/notebook';
import { addBelowIcon, fileIcon } from '@jupyterlab/ui-components';
import { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { BrowserView } from './browser';
import { CardView } from './card';
import { Client } from './client';
import { Follower } from './follower';
import { registryIcon } from './icons';
import { folder, insert } from './notebook';
import { Meaning, ROW } from './rows';
import { Sidebar } from './sidebar';

const CATEGORY = 'Model registry';
const BEGIN = '%load_ext nbregistry\n%register churn model';

namespace ID {
  export const open = 'nbregistry:open';
  export const search = 'nbregistry:search';
  export const insert = 'nbregistry:insert-load-model';
  export const atCursor = 'nbregistry:insert-load-model-at-cursor';
  export const card = 'nbregistry:open-card';
  export const browse = 'nbregistry:browse';
}

/** The parts of the application that the extension works with. */
class Home {
  readonly follower: Follower;
  readonly sidebar: Sidebar;
  private _browser: MainAreaWidget<BrowserView> | null = null;
  readonly cards = new WidgetTracker<MainAreaWidget<CardView>>({ namespace: 'nbregistry-cards' });

  constructor(
    readonly app: JupyterFrontEnd,
    readonly notebooks: INotebookTracker,
    readonly themes: IThemeManager | null
  ) {
    const client = this.client();
    const { commands } = app;
    this.follower = new Follower(client);
    this.sidebar = new Sidebar(client, this.follower, {
      insert: meaning => void commands.execute(ID.insert, { load: meaning.load }),
      card: meaning => void commands.execute(ID.card, { ref: meaning.ref }),
      begin: () => this.insert(BEGIN),
      browse: meaning => void commands.execute(ID.browse, { name: meaning?.name ?? '', number: meaning?.number ?? 0 })
    });
    notebooks.currentChanged.connect((_, panel) => {
      this.sidebar.follow(this.client());
      panel?.context.pathChanged.connect(() => this.sidebar.follow(this.client()));
    });
  }

  /** Return what asks about the registry of the notebook in front. */
  client(): Client {
    const { contents, serverSettings } = this.app.serviceManager;
    return new Client(
      serverSettings,
      folder(this.notebooks, path => contents.localPath(path))
    );
  }

  /** Put lines into the notebook in front, and show it. */
  insert(text: string, atCursor = false): void {
    const panel = insert(this.notebooks, text, atCursor);
    if (panel) {
      this.app.shell.activateById(panel.id);
    } else {
      Notification.info('Open a notebook first: the line goes into the one in front.', { autoClose: 5000 });
    }
  }

  /** Show the card of a version in a tab; a second time, in the same one. */
  card(ref: string, where: string): void {
    const id = `nbregistry-card-${where}-${ref}`;
    let tab = this.cards.find(found => found.id === id);
    if (!tab) {
      const { commands, serviceManager, shell } = this.app;
      const view = new CardView(new Client(serviceManager.serverSettings, where), ref, this.follower, this.themes);
      tab = new MainAreaWidget({ content: view });
      tab.id = id;
      tab.title.label = ref;
      tab.title.caption = `Card of ${ref}`;
      tab.title.icon = registryIcon;
      tab.title.closable = true;
      tab.toolbar.addClass('nbr-lab-toolbar');
      const [name, number] = ref.split('/');
      const browse = { name, number: Number(number) || 0, folder: where };
      for (const [command, label, args] of [
        [ID.insert, `Insert %load_model ${ref}`, { load: ref }],
        [ID.browse, 'Open in the browser', browse]
      ] as const) {
        tab.toolbar.addItem(command, new CommandToolbarButton({ commands, id: command, args, label }));
      }
      void this.cards.add(tab);
      shell.add(tab, 'main');
    }
    this.app.shell.activateById(tab.id);
  }

  /** Open the registry browser in a tab, at a model or a version where one is meant; there is one such tab. */
  browse(name: string, number: number, where = this.client().folder): void {
    const { shell, serviceManager } = this.app;
    let tab = this._browser;
    if (!tab || tab.isDisposed) {
      const view = new BrowserView(serviceManager.serverSettings.baseUrl, where, this.follower, this.themes);
      tab = this._browser = new MainAreaWidget({ content: view });
      tab.id = 'nbregistry-browser';
      tab.title.caption = 'Registry browser';
      tab.title.icon = registryIcon;
      tab.title.closable = true;
      tab.toolbar.hide();
      view.title.label = CATEGORY;
      shell.add(tab, 'main');
    }
    tab.content.go(where, name, number);
    shell.activateById(tab.id);
  }
}

/** Add the commands; those on a model or version mean what their arguments say, or the row that is chosen. */
function addCommands(home: Home): void {
  const { app, sidebar, notebooks } = home;
  const { commands } = app;
  const row = (): Meaning | null => sidebar.meaning(hit()) ?? (sidebar.isVisible ? sidebar.selected() : null);
  const hit = (): HTMLElement | null => app.contextMenuHitTest(node => node.classList.contains(ROW)) ?? null;
  const load = (args: ReadonlyPartialJSONObject): string => String(args.load ?? row()?.load ?? '');
  const ref = (args: ReadonlyPartialJSONObject): string => String(args.ref ?? row()?.ref ?? '');

  commands.addCommand(ID.open, {
    label: args => (args.isPalette ? 'Open Model Registry' : CATEGORY),
    caption: 'Models, their stages and versions, beside the notebook',
    icon: registryIcon,
    execute: () => app.shell.activateById(sidebar.id)
  });
  commands.addCommand(ID.search, {
    label: 'Search Models',
    execute: () => {
      app.shell.activateById(sidebar.id);
      sidebar.search();
    }
  });
  commands.addCommand(ID.insert, {
    label: args => `Insert %load_model ${load(args)}`.trim(),
    icon: addBelowIcon,
    isEnabled: args => !!load(args) && !!notebooks.currentWidget,
    execute: args => home.insert(`%load_model ${load(args)}`)
  });
  commands.addCommand(ID.atCursor, {
    label: 'Insert at Cursor',
    isEnabled: args => !!load(args) && notebooks.currentWidget?.content.activeCell?.model.type === 'code',
    execute: args => home.insert(`%load_model ${load(args)}`, true)
  });
  commands.addCommand(ID.card, {
    label: args => (ref(args) ? `Open Card of ${ref(args)}` : 'Open Card'),
    icon: fileIcon,
    isEnabled: args => !!ref(args),
    execute: args => home.card(ref(args), String(args.folder ?? home.client().folder))
  });
  commands.addCommand(ID.browse, {
    label: 'Open Registry Browser',
    icon: registryIcon,
    execute: args => {
      const { name, number } = 'name' in args ? args : (row() ?? {});
      home.browse(String(name ?? ''), Number(number ?? 0), args.folder === undefined ? undefined : String(args.folder));
    }
  });
  for (const [rank, command] of [ID.insert, ID.atCursor, ID.card, ID.browse].entries()) {
    app.contextMenu.addItem({ command, selector: `.${ROW}`, rank });
  }
}

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'nbregistry-labext:plugin',
  description: 'The model registry beside the notebook.',
  autoStart: true,
  requires: [INotebookTracker],
  optional: [ICommandPalette, ILauncher, ILayoutRestorer, IThemeManager],
  activate: (
    app: JupyterFrontEnd,
    notebooks: INotebookTracker,
    palette: ICommandPalette | null,
    launcher: ILauncher | null,
    restorer: ILayoutRestorer | null,
    themes: IThemeManager | null
  ) => {
    const home = new Home(app, notebooks, themes);
    addCommands(home);
    app.shell.add(home.sidebar, 'left', { rank: 350, type: CATEGORY });
    launcher?.add({ command: ID.open, category: 'Other', rank: 50 });
    for (const command of [ID.open, ID.search, ID.insert, ID.card, ID.browse]) {
      palette?.addItem({ command, category: CATEGORY, args: command === ID.open ? { isPalette: true } : {} });
    }
    restorer?.add(home.sidebar, home.sidebar.id);
    if (restorer) {
      void restorer.restore(home.cards, {
        command: ID.card,
        args: ({ content }) => ({ ref: content.ref, folder: content.client.folder }),
        name: tab => tab.id
      });
    }
  }
};

export default plugin;
