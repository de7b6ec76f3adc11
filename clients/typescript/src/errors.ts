/** What can go wrong. Everything thrown here is a BacklotError; what a signal aborts throws the signal's reason. */

import type { Task } from "./types.ts";

export const IN_FLIGHT = "idempotency_key_in_flight";
const RETRYABLE = new Set([408, 429, 502, 503, 504]);

export class BacklotError extends Error {
  override name = "BacklotError";

  /** Whether the same call may well succeed later. */
  get retryable(): boolean {
    return false;
  }
}

/** The server was not reached, or its answer did not come: the request may have had its effect. */
export class ConnectionFailed extends BacklotError {
  override name = "ConnectionFailed";

  override get retryable(): boolean {
    return true;
  }
}

/** The answer is not what the API promises: is this its URL, and has the server the version of this client? */
export class UnexpectedAnswer extends BacklotError {
  override name = "UnexpectedAnswer";
}

/** The task has not ended in time. It goes on: wait again, or cancel it. */
export class WaitTimeout extends BacklotError {
  override name = "WaitTimeout";
  readonly taskId: string;
  /** As it was last seen. */
  readonly task: Task | undefined;

  constructor(taskId: string, seconds: number, task: Task | undefined) {
    super(`${taskId} has not ended within ${seconds} s`);
    this.taskId = taskId;
    this.task = task;
  }

  override get retryable(): boolean {
    return true;
  }
}

/** This is no webhook of ours, or it is too old. */
export class WebhookVerificationError extends BacklotError {
  override name = "WebhookVerificationError";
}

/** One wrong field: a JSON pointer into the body, or `query:name`. */
export interface FieldError {
  pointer: string;
  code: string;
  detail: string;
}

/** The server refused: decide by `code`, show `detail`, report `requestId`. */
export class ApiError extends BacklotError {
  override name = "ApiError";
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly requestId: string | undefined;
  readonly errors: FieldError[];
  /** Seconds. */
  readonly retryAfter: number | undefined;
  /** The whole problem: some have facts of their own. */
  readonly body: Record<string, unknown>;

  constructor(status: number, body: Record<string, unknown>, headers: Headers) {
    const code = text(body["code"]) ?? `http_${status}`;
    const title = text(body["title"]) ?? "";
    const detail = text(body["detail"]) ?? (title || `HTTP ${status}`);
    super(`${status} ${code}: ${detail}`);
    this.status = status;
    this.code = code;
    this.title = title;
    this.detail = detail;
    this.requestId = text(body["request_id"]) ?? headers.get("x-request-id") ?? undefined;
    this.errors = Array.isArray(body["errors"]) ? (body["errors"] as FieldError[]) : [];
    this.retryAfter = secondsOf(headers.get("retry-after"));
    this.body = body;
  }

  override get retryable(): boolean {
    return RETRYABLE.has(this.status) || this.code === IN_FLIGHT;
  }
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value ? value : undefined;
}

/** The answer as the error it stands for; proxies answer without a problem's body. */
export async function errorOf(response: Response): Promise<ApiError> {
  let body: unknown;
  try {
    body = await response.json();
  } catch {
    body = {};
  }
  const isObject = typeof body === "object" && body !== null && !Array.isArray(body);
  return new ApiError(response.status, isObject ? (body as Record<string, unknown>) : {}, response.headers);
}

/** `Retry-After`, which is seconds or a date. */
function secondsOf(retryAfter: string | null): number | undefined {
  if (!retryAfter) return undefined;
  const seconds = /^\d+(\.\d+)?$/.test(retryAfter) ? Number(retryAfter) : (Date.parse(retryAfter) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}
