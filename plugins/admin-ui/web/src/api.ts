// The REST API, as the page uses it: same origin, the key in a header, problem+json as Problem.
import { apiKey, endSession, reachable } from './session';

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
  const sent: Record<string, string> = { Accept: 'application/json' };
  if (apiKey.value) sent['X-API-Key'] = apiKey.value;
  if (body !== undefined) sent['Content-Type'] = 'application/json';
  Object.assign(sent, headers);
  const payload = body === undefined || typeof body === 'string' || body instanceof Blob ? body : JSON.stringify(body);
  const response = await reach(path, { method, headers: sent, body: payload });
  const text = await response.text();
  const json = (response.headers.get('content-type') ?? '').includes('json');
  const parsed = json && text ? JSON.parse(text) : text;
  if (!response.ok) throw refusal(response, parsed);
  return { body: parsed as T, etag: response.headers.get('etag') ?? '' };
}

async function reach(path: string, init: RequestInit): Promise<Response> {
  try {
    const response = await fetch(path, init);
    reachable.value = true;
    return response;
  } catch {
    reachable.value = false;
    throw new Problem(0, 'unreachable', 'The server does not answer. Is it running?');
  }
}

function refusal(response: Response, body: { code?: string; detail?: string } | string): Problem {
  if (response.status === 401) endSession();
  const told = typeof body === 'object' ? body : {};
  return new Problem(response.status, told?.code ?? '', told?.detail ?? `HTTP status ${response.status}`);
}

/** The body as the bytes it is. */
export async function getBytes(path: string): Promise<{ content: ArrayBuffer; headers: Headers }> {
  const response = await reach(path, { headers: { 'X-API-Key': apiKey.value } });
  if (!response.ok) throw refusal(response, await response.json());
  return { content: await response.arrayBuffer(), headers: response.headers };
}

/** Fetches with the key and hands the answer to the user as a file. */
export async function download(path: string, name: string) {
  const response = await reach(path, { headers: { 'X-API-Key': apiKey.value } });
  if (!response.ok) throw refusal(response, await response.json());
  const address = URL.createObjectURL(await response.blob());
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // The browser reads the address after the click has returned.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** Instants come as text from documents and as Extended JSON from elsewhere. */
export const instant = (value: unknown): Date | null =>
  !value ? null : new Date(typeof value === 'string' ? value : String((value as { $date: string }).$date));

export const get = async <T = Doc>(path: string) => (await send<T>('GET', path)).body;
export const post = async <T = Doc>(path: string, body: unknown) => (await send<T>('POST', path, body)).body;
export const segment = (text: string) => encodeURIComponent(text);

export interface CollectionInfo {
  name: string;
  documents: number;
  bytes?: number;
  indexes?: number;
  vector?: unknown;
}

export async function listCollections(): Promise<CollectionInfo[]> {
  const answer = await get<{ collections: string[]; details?: CollectionInfo[] }>('/collections?details=true');
  return answer.details ?? answer.collections.map((name) => ({ name, documents: NaN }));
}

/** A histogram's buckets in Prometheus' text, summed over all its other labels: upper edge → count. */
export function buckets(text: string, name: string): Map<number, number> {
  const found = new Map<number, number>();
  for (const line of text.split('\n')) {
    if (!line.startsWith(`${name}_bucket{`)) continue;
    const edge = /le="([^"]*)"/.exec(line)?.[1] ?? '';
    const limit = edge === '+Inf' ? Infinity : Number(edge);
    found.set(limit, (found.get(limit) ?? 0) + Number(line.slice(line.lastIndexOf(' ') + 1)));
  }
  return found;
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
