// The REST API, as the page uses it: same origin, the key in a header, problem+json as Problem.
import { apiKey, signOut } from './session';

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type Doc = Record<string, Json>;

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

export interface Answer<T> {
  body: T;
  etag: string;
}

export async function send<T = Doc>(
  method: string, path: string, body?: unknown, headers: Record<string, string> = {},
): Promise<Answer<T>> {
  const sent: Record<string, string> = { Accept: 'application/json', ...headers };
  if (apiKey.value) sent['X-API-Key'] = apiKey.value;
  if (body !== undefined) sent['Content-Type'] = 'application/json';
  let response: Response;
  try {
    response = await fetch(path, { method, headers: sent, body: typeof body === 'string' ? body : body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    throw new Problem(0, 'unreachable', 'The server does not answer. Is it running?');
  }
  const text = await response.text();
  const json = (response.headers.get('content-type') ?? '').includes('json');
  const parsed = json && text ? JSON.parse(text) : text;
  if (!response.ok) {
    if (response.status === 401) signOut();
    throw new Problem(response.status, parsed?.code ?? '', parsed?.detail ?? `HTTP status ${response.status}`);
  }
  return { body: parsed as T, etag: response.headers.get('etag') ?? '' };
}

export const get = async <T = Doc>(path: string) => (await send<T>('GET', path)).body;
export const post = async <T = Doc>(path: string, body: unknown) => (await send<T>('POST', path, body)).body;
export const segment = (text: string) => encodeURIComponent(text);

export interface CollectionInfo {
  name: string;
  documents: number;
  bytes?: number;
  vector?: unknown;
}

export async function listCollections(): Promise<CollectionInfo[]> {
  const answer = await get<{ collections: string[]; details?: CollectionInfo[] }>('/collections?details=true');
  return answer.details ?? answer.collections.map((name) => ({ name, documents: NaN }));
}

/** Sums the samples of a metric in Prometheus' text, over all its labels. */
export function sumMetric(text: string, name: string): number {
  let sum = 0;
  for (const line of text.split('\n')) {
    if (line.startsWith(name) && (line[name.length] === ' ' || line[name.length] === '{')) {
      sum += Number(line.slice(line.lastIndexOf(' ') + 1));
    }
  }
  return sum;
}
