/** Streams of events, over as many connections as it takes. */

import { Limit, backoff, sleep } from "./clock.ts";
import { ApiError, BacklotError, UnexpectedAnswer, errorOf } from "./errors.ts";
import { asFailure } from "./http.ts";
import type { Sender } from "./http.ts";
import { Parser } from "./sse.ts";
import type { Message } from "./sse.ts";
import type { BatchShown, Task } from "./types.ts";

/** A stream that says nothing for so long, not even its pings, is dead. */
const SILENCE_SECONDS = 45;
const LAST = new Set(["task.succeeded", "task.failed", "task.canceled", "batch.completed"]);

export type TaskEventType =
  | "task.created"
  | "task.started"
  | "task.progress"
  | "task.succeeded"
  | "task.failed"
  | "task.canceled";

/** Of the stream of a task or batch: `data` is the task, or the batch, as it was then. */
export type TaskEvent =
  | { id: string | undefined; type: TaskEventType; data: Task }
  | { id: string | undefined; type: "batch.completed"; data: BatchShown };

/** What happened in a workspace: of its stream, and the body of a webhook. */
export interface BacklotEvent<Data = Record<string, unknown>> {
  id: string;
  object: "event";
  type: string;
  version: number;
  timestamp: string;
  workspace_id: string;
  mode: "live" | "test";
  data: Data;
}

/** The place to go on from is unknown, or too old: events were missed. Fetch anew what you show; then go on. */
export interface Reset {
  id: string | undefined;
  object: "reset";
  type: "reset";
}

export interface FollowOptions {
  /** Go on after this event. */
  lastEventId?: string | undefined;
  signal?: AbortSignal | undefined;
}

export interface EventsOptions extends FollowOptions {
  /** As `task.succeeded` or `task.*`; none: all. */
  types?: string[];
  /** In place of the API key: what `POST /v1/events/stream/tickets` gives, or a function, asked before each connection. */
  ticket?: string | (() => string | Promise<string>);
}

/** Events one by one. `lastEventId` is the place to go on from. */
export class EventStream<T> implements AsyncIterableIterator<T> {
  readonly #follower: Follower;
  readonly #found: AsyncGenerator<T, void>;
  readonly #closing = new AbortController();

  constructor(follower: Follower, follow: (signal: AbortSignal) => AsyncGenerator<T, void>) {
    this.#follower = follower;
    this.#found = follow(this.#closing.signal);
  }

  get lastEventId(): string | undefined {
    return this.#follower.lastEventId;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<T, void>> {
    try {
      return await this.#found.next();
    } catch (error) {
      if (this.#closing.signal.aborted) return { done: true, value: undefined };
      throw error;
    }
  }

  /** End the connection; a loop over the stream ends too. */
  async return(): Promise<IteratorResult<T, void>> {
    this.#closing.abort();
    await this.#found.return().catch(() => {});
    return { done: true, value: undefined };
  }

  close(): void {
    void this.return();
  }
}

/** Where a stream stands. `hasEnd`: that of a task or batch; a workspace's has none. */
export class Follower {
  readonly path: string;
  readonly query: Record<string, unknown>;
  readonly ticket: EventsOptions["ticket"];
  readonly hasEnd: boolean;
  lastEventId: string | undefined;
  isOver = false;
  failures = 0;
  #retry = 2;
  #asked = 0;
  #lastType = "";
  #parser = new Parser();

  constructor(path: string, hasEnd: boolean, options: EventsOptions) {
    this.path = path;
    this.hasEnd = hasEnd;
    this.query = options.types?.length ? { type: options.types } : {};
    this.ticket = options.ticket;
    this.lastEventId = options.lastEventId;
  }

  /** Of the next connection, which counts as failed until it says something. */
  headers(): Record<string, string> {
    this.failures += 1;
    this.#parser = new Parser(this.lastEventId);
    const accept = { Accept: "text/event-stream" };
    return this.lastEventId ? { ...accept, "Last-Event-ID": this.lastEventId } : accept;
  }

  /** Whether this is a stream. 204: nothing will come any more. */
  async begin(response: Response): Promise<void> {
    if (response.status === 204) this.isOver = true;
    else if (response.status >= 400) throw await errorOf(response);
    else if (response.status !== 200 || !response.headers.get("content-type")?.includes("text/event-stream")) {
      throw new UnexpectedAnswer(`no stream of events, but ${response.status} to ${this.path}`);
    }
  }

  feed(chunk: string): Message[] {
    this.failures = 0;
    const found = this.#parser.feed(chunk);
    this.#retry = this.#parser.retry ?? this.#retry;
    this.#lastType = found.at(-1)?.event ?? this.#lastType;
    return found;
  }

  /** The message is the caller's now: a new connection goes on after it. */
  handed(message: Message): void {
    this.lastEventId = message.id;
  }

  /** All messages were handed over: what moved the place without a message counts too. */
  caughtUp(): void {
    this.lastEventId = this.#parser.lastEventId;
  }

  /** Throws the error where connecting again would not help. */
  failed(error: unknown): void {
    if (!isPassing(error)) throw error;
    this.#asked = error instanceof ApiError ? (error.retryAfter ?? 0) : 0;
  }

  /** Seconds before the next connection: none after what may have been the last, to hear whether it was. */
  pause(): number {
    const asked = this.#asked;
    this.#asked = 0;
    if (this.failures === 0 && this.hasEnd && LAST.has(this.#lastType)) {
      this.#lastType = "";
      return 0;
    }
    return asked + backoff(Math.max(0, this.failures - 1), this.#retry, 30);
  }
}

/** Whether who waits should go on waiting: a server that restarts may answer anything from 500 on. */
export function isPassing(error: unknown): boolean {
  return error instanceof BacklotError && (error.retryable || (error instanceof ApiError && error.status >= 500));
}

/** Of one connection: its messages, and undefined for a sign of life. */
export async function* messages(
  sender: Sender,
  follower: Follower,
  signal?: AbortSignal,
  silence: number = SILENCE_SECONDS,
): AsyncGenerator<Message | undefined, void> {
  const limit = new Limit(silence, signal);
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  try {
    const headers = follower.headers();
    const ticket = typeof follower.ticket === "function" ? await follower.ticket() : follower.ticket;
    const url = sender.url(follower.path, { query: ticket ? { ...follower.query, ticket } : follower.query });
    const init: RequestInit = { method: "GET", headers, cache: "no-store" };
    const response = await sender.open(url, init, limit.signal, !ticket);
    await follower.begin(response);
    if (follower.isOver || !response.body) return;
    reader = response.body.getReader();
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      limit.restart(silence);
      for (const message of follower.feed(decoder.decode(value, { stream: true }))) yield message;
      follower.caughtUp();
      yield undefined;
    }
  } catch (error) {
    throw asFailure(error, limit, signal);
  } finally {
    limit.end();
    await reader?.cancel().catch(() => {});
  }
}

/** Connects again for ever, but where the server says that this is wrong. */
export async function* follow<T>(
  sender: Sender,
  follower: Follower,
  made: (message: Message) => T,
  signal: AbortSignal,
): AsyncGenerator<T, void> {
  for (;;) {
    try {
      for await (const message of messages(sender, follower, signal)) {
        if (!message) continue;
        follower.handed(message);
        yield made(message);
      }
    } catch (error) {
      follower.failed(error);
    }
    if (follower.isOver) return;
    await sleep(follower.pause(), signal);
  }
}

export function taskEvent(message: Message): TaskEvent {
  return { id: message.id, type: message.event, data: parsed(message.data) } as TaskEvent;
}

export function workspaceEvent(message: Message): BacklotEvent | Reset {
  if (message.event === "reset") return { id: message.id, object: "reset", type: "reset" };
  return parsed(message.data) as BacklotEvent;
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch (cause) {
    throw new UnexpectedAnswer("an event is no JSON", { cause });
  }
}
