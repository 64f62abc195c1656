// What the server extension is asked, and how its answers look.

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

/** A model, as a list shows it. */
export interface Model {
  name: string;
  versions: number;
  latest: number | null;
  stages: Record<string, number>;
  aliases: Record<string, number>;
  summary: string;
  metric: string;
  value: string;
  /** The reference to load when nobody says which: its champion, what serves, or the newest. */
  load: string;
}

/** A version, as a list shows it. */
export interface Version {
  ref: string;
  name: string;
  number: number;
  stage: string;
  status: string;
  aliases: string[];
  created_at: string;
  created_by: string;
  note: string;
  metric: string;
  value: string;
}

/** How far an answer is up to date. */
export interface At {
  store: string;
  seq: number;
}

export interface Place extends At {
  uri: string;
  exists: boolean;
  user: string;
  notices: string[];
}

export interface Models extends At {
  total: number;
  models: Model[];
}

export interface Versions extends At {
  total?: number;
  cursor?: string | null;
  versions: Version[];
}

export interface News extends At {
  events: { seq: number; action: string; target: string; user: string }[];
  missed: boolean;
}

export interface Card extends At {
  ref: string;
  html: string;
}

/** What the server refused, in its own words; `kind` is the class of the error. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly kind: string,
    message: string
  ) {
    super(message);
  }
}

type Query = Record<string, string | number>;

/** Asks the server about the registry of one folder. */
export class Client {
  constructor(
    private readonly settings: ServerConnection.ISettings,
    readonly folder: string
  ) {}

  /** Ask; rejects with a `Refusal`, or with what the network says. */
  async get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
    const words = Object.entries({ folder: this.folder, ...query });
    const search = words.map(([k, v]) => `${k}=${encodeURIComponent(v)}`).join('&');
    const url = URLExt.join(this.settings.baseUrl, 'nbregistry/api', path);
    const init: RequestInit = signal ? { signal } : {};
    const response = await ServerConnection.makeRequest(`${url}?${search}`, init, this.settings);
    const told: unknown = await response.json().catch(() => null);
    if (!response.ok) {
      const { error, message } = (told ?? {}) as { error?: string; message?: string };
      throw new Refusal(response.status, error ?? '', message ?? response.statusText);
    }
    return told as T;
  }
}

/** Return the address of the registry browser: theme and folder stand in the path, what is to be seen behind it. */
export function browserUrl(baseUrl: string, folder: string, name = '', number = 0): string {
  const theme = document.body.dataset.jpThemeLight === 'false' ? 'dark' : 'light';
  const place = folder ? `${theme}/${URLExt.encodeParts(folder)}` : theme;
  const meant: Record<string, string> = name ? { model: name } : {};
  if (name && number) {
    meant.version = String(number);
  }
  return URLExt.join(baseUrl, 'nbregistry/browser', place) + URLExt.objectToQueryString(meant);
}

/** Return what went wrong in one sentence. */
export function said(error: unknown): string {
  if (error instanceof Refusal && error.status === 404 && error.kind !== 'NotFound') {
    return 'This Jupyter server does not have the registry extension switched on.';
  }
  return error instanceof Refusal ? error.message : 'The Jupyter server does not answer.';
}
