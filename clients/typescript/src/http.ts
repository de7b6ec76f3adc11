/** Sends calls, again where that may help. */

import { Limit, backoff, sleep } from "./clock.ts";
import { ApiError, BacklotError, ConnectionFailed, UnexpectedAnswer, errorOf } from "./errors.ts";
import { ONCE_ONLY } from "./generated/once-only.ts";
import type { CallOptions } from "./types.ts";

/** What asks for a longer pause is told to the caller instead. */
const LONGEST_PAUSE = 60;
const SURELY_NOT_DONE = new Set([408, 429]);

export type ApiKey = string | (() => string | Promise<string>);

export interface BacklotOptions {
  /** Where the server is, as `https://api.example.com`. */
  baseUrl: string;
  /** An API key or an access token, or a function that gives one: it is asked before every request. */
  apiKey?: ApiKey | undefined;
  workspaceId?: string | undefined;
  /** How long to wait for an answer: 30. */
  timeoutSeconds?: number;
  /** How often to try again: 4. */
  maxRetries?: number;
  headers?: Record<string, string>;
  fetch?: typeof fetch;
}

export interface Sending extends CallOptions {
  path?: Record<string, unknown>;
  query?: Record<string, unknown>;
  body?: unknown;
  form?: FormData;
  retries?: number;
}

export class Sender {
  readonly #options: BacklotOptions;
  readonly #fetch: typeof fetch;

  constructor(options: BacklotOptions) {
    this.#options = options;
    // Called as a method of something else, the browser's own refuses.
    this.#fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
  }

  /** The content of the answer. Throws ApiError, ConnectionFailed, UnexpectedAnswer. */
  async call(method: string, template: string, sending: Sending): Promise<unknown> {
    return contentOf(await this.send(method, template, sending));
  }

  /** The answer, whose content has come in full; 304 is a good one. */
  async send(method: string, template: string, sending: Sending): Promise<Response> {
    const headers: Record<string, string> = { ...sending.headers };
    // One for all attempts of this call.
    if (method === "POST") headers["Idempotency-Key"] = sending.idempotencyKey ?? crypto.randomUUID();
    if (sending.body !== undefined) headers["Content-Type"] = "application/json";
    const init = { method, headers, body: sending.form ?? (sending.body === undefined ? null : json(sending.body)) };
    const isSafeTwice = method !== "POST" || !ONCE_ONLY.includes(template);
    const retries = sending.retries ?? this.#options.maxRetries ?? 4;
    const url = this.url(template, sending);
    for (let failures = 0; ; failures++) {
      try {
        return await this.#attempt(url, init, sending);
      } catch (error) {
        if (failures >= retries || !(error instanceof BacklotError)) throw error;
        const pause = pauseAfter(error, failures, isSafeTwice);
        if (pause === undefined) throw error;
        await sleep(pause, sending.signal);
      }
    }
  }

  async #attempt(url: string, init: RequestInit, sending: Sending): Promise<Response> {
    const seconds = sending.timeoutSeconds ?? this.#options.timeoutSeconds ?? 30;
    const limit = new Limit(seconds, sending.signal);
    try {
      const response = await this.open(url, init, limit.signal);
      const content = response.status === 204 || response.status === 304 ? null : await response.arrayBuffer();
      const whole = new Response(content, { status: response.status, headers: response.headers });
      if (whole.ok || whole.status === 304) return whole;
      throw await errorOf(whole);
    } catch (error) {
      throw asFailure(error, limit, sending.signal);
    } finally {
      limit.end();
    }
  }

  /** One request, and its answer as soon as it begins. */
  async open(url: string, init: RequestInit, signal: AbortSignal, isKeyed = true): Promise<Response> {
    const { apiKey, workspaceId, headers } = this.#options;
    const key = typeof apiKey === "function" ? await apiKey() : apiKey;
    const all: Record<string, string> = { ...headers, ...(init.headers as Record<string, string>) };
    if (workspaceId) all["X-Workspace-Id"] = workspaceId;
    if (key && isKeyed) all["Authorization"] = `Bearer ${key}`;
    return this.#fetch(url, { ...init, headers: all, signal });
  }

  url(template: string, { path, query }: Pick<Sending, "path" | "query">): string {
    const filled = template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(path?.[name])));
    const search = searchOf(query ?? {});
    return this.#options.baseUrl.replace(/\/+$/, "") + filled + (search && `?${search}`);
  }
}

/** Lists repeat their name; objects are `name[key]=value`. */
function searchOf(query: Record<string, unknown>): string {
  const search = new URLSearchParams();
  const add = (name: string, value: unknown) => {
    if (value === undefined || value === null) return;
    if (Array.isArray(value)) for (const one of value) add(name, one);
    else if (value instanceof Date) search.append(name, value.toISOString());
    else if (typeof value === "object") for (const [key, one] of Object.entries(value)) add(`${name}[${key}]`, one);
    else search.append(name, String(value));
  };
  for (const [name, value] of Object.entries(query)) add(name, value);
  return search.toString();
}

function json(body: unknown): string {
  return JSON.stringify(body);
}

/** Of any content type: JSON, CSV, or nothing. */
async function contentOf(response: Response): Promise<unknown> {
  if (response.status === 204) return undefined;
  if (!response.headers.get("content-type")?.includes("json")) return response.text();
  try {
    return await response.json();
  } catch (cause) {
    throw new UnexpectedAnswer("the answer is no JSON", { cause });
  }
}

/** What `fetch` and reading throw, as an error of ours; what the caller aborted, as the caller's reason. */
export function asFailure(error: unknown, limit: Limit, signal?: AbortSignal): unknown {
  if (error instanceof BacklotError) return error;
  if (signal?.aborted) return signal.reason;
  if (limit.isUp) return new ConnectionFailed("no answer came in time", { cause: error });
  if (error instanceof TypeError || (error instanceof Error && error.name !== "AbortError")) {
    return new ConnectionFailed(`the request failed: ${error.message}`, { cause: error });
  }
  return error;
}

/** The seconds after which to send the call again; undefined when the caller is to be told. */
function pauseAfter(error: BacklotError, failures: number, isSafeTwice: boolean): number | undefined {
  if (!error.retryable) return undefined;
  if (!(error instanceof ApiError)) return isSafeTwice ? backoff(failures) : undefined;
  const asked = error.retryAfter ?? 0;
  if (asked > LONGEST_PAUSE || !(isSafeTwice || SURELY_NOT_DONE.has(error.status))) return undefined;
  return asked + backoff(failures);
}
