import type { ErrorCode } from './codes.js';
export type { ErrorCode } from './codes.js';

export interface Problem {
  error?: string;
  detail?: string;
  code?: string;
  status?: number;
  retryable?: boolean;
  request_id?: string;
  [member: string]: unknown;
}

export declare class NexaDBError extends Error {
  readonly status: number;
  /** One of the server's codes, or of the client's own: unreachable, timeout, invalid_argument, no_key. */
  readonly code: ErrorCode | (string & {});
  readonly retryable: boolean;
  readonly requestId: string;
  /** After 429: the seconds to wait, when the server says them. */
  readonly retryAfterS?: number;
  readonly problem: Problem;
}
export declare class BulkWriteError extends NexaDBError {
  readonly errors: { index: number; code: string; detail: string }[];
  readonly documentIds: string[];
}
export { NexaDBError as NexaDBException };

export interface Options {
  host?: string;
  port?: number;
  /** Instead of host and port, for instance "https://db.example". */
  url?: string;
  /**
   * Default, in Node: NEXADB_API_KEY, the file named by NEXADB_API_KEY_FILE, ./nexadb_data/root.key or
   * /var/lib/nexadb/root.key, read with the first request. '' sends none.
   */
  apiKey?: string;
  timeoutMs?: number;
  /** Integers beyond Number.MAX_SAFE_INTEGER come as BigInt; without it as { $numberLong: '…' }. */
  bigint?: boolean;
  /** In Node, for an https url: the authorities to trust instead of the well-known ones, as PEM. */
  ca?: string | Uint8Array | (string | Uint8Array)[];
  fetch?: typeof globalThis.fetch;
}

export type Query = Record<string, unknown>;
export type Sort = Record<string, 1 | -1>;
export interface FindOptions {
  sort?: Sort;
  skip?: number;
  fields?: string[] | Record<string, unknown>;
}
export type Stored<T> = T & { _id: string; _created_at?: string; _updated_at?: string };
export interface Hit<T> {
  document_id: string;
  similarity: number;
  document: Stored<T>;
}

export declare class Collection<T extends object = Record<string, any>> {
  readonly name: string;
  insert(document: T): Promise<string>;
  insertMany(documents: T[]): Promise<string[]>;
  find(query?: Query, limit?: number, options?: FindOptions): Promise<Stored<T>[]>;
  query(query?: Query, limit?: number): Promise<Stored<T>[]>;
  findOne(query?: Query): Promise<Stored<T> | null>;
  findById(id: string): Promise<Stored<T> | null>;
  update(id: string, changes: Partial<T>): Promise<boolean>;
  updateMany(query: Query, changes: Record<string, unknown>): Promise<number>;
  delete(id: string): Promise<boolean>;
  deleteMany(query: Query): Promise<number>;
  aggregate<R = Record<string, any>>(pipeline: Record<string, unknown>[]): Promise<R[]>;
  count(query?: Query): Promise<number>;
}

export declare class VectorCollection<T extends object = Record<string, any>> extends Collection<T> {
  readonly dimensions: number;
  insert(document: T, vector?: ArrayLike<number>): Promise<string>;
  search(vector: ArrayLike<number>, limit?: number, filter?: Query): Promise<Hit<T>[]>;
}

export declare class NexaDB {
  constructor(options?: Options);
  collection<T extends object = Record<string, any>>(name: string): Collection<T>;
  vectorCollection<T extends object = Record<string, any>>(name: string, dimensions?: number): VectorCollection<T>;
  listCollections(): Promise<string[]>;
  listBuckets(): Promise<string[]>;
  dropCollection(name: string): Promise<boolean>;
  status(): Promise<Record<string, any>>;
  stats(): Promise<Record<string, any>>;
}
