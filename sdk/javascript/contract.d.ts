import type { ErrorCode } from './codes.js';

/** A limit's default, and the code of the error past it. GET /status shows what is in force. */
export interface Limit {
  readonly value: number;
  readonly unit: string;
  readonly error: ErrorCode;
}
export interface Route {
  readonly method: string;
  readonly path: string;
  readonly access: 'public' | 'optional' | 'key' | 'admin';
}
export declare const LIMITS: Readonly<Record<string, Limit>>;
export declare const ROUTES: readonly Route[];
