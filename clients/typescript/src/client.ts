/** The client: what is used most as methods of its own, and every other operation by its path. */

import { EventStream, Follower, follow, taskEvent, workspaceEvent } from "./events.ts";
import type { BacklotEvent, EventsOptions, FollowOptions, Reset, TaskEvent } from "./events.ts";
import { Sender } from "./http.ts";
import type { BacklotOptions, Sending } from "./http.ts";
import type { Message } from "./sse.ts";
import type {
  AnswerOf,
  ArgumentsOf,
  Asset,
  Batch,
  BatchOrder,
  CallOptions,
  Credits,
  Method,
  Operation,
  Page,
  PathsWith,
  Quote,
  Task,
  TaskOrder,
  TaskStatus,
} from "./types.ts";
import { waitForTask } from "./waiting.ts";
import type { WaitOptions } from "./waiting.ts";

export interface ListOptions {
  limit?: number;
  /** `next_cursor` of the page before. */
  cursor?: string | null;
}

export interface TaskFilters extends ListOptions {
  status?: TaskStatus[];
  operation?: string;
  batch_id?: string;
  created_after?: Date | string;
  metadata?: Record<string, string>;
}

export interface UploadOptions extends CallOptions {
  filename?: string;
  metadata?: Record<string, string>;
}

export class Backlot {
  readonly #sender: Sender;

  constructor(options: BacklotOptions) {
    this.#sender = new Sender(options);
  }

  // Any operation, by its path: `client.get("/v1/api-keys/{key_id}", { path: { key_id } })`

  get<P extends PathsWith<"get">>(path: P, ...rest: ArgumentsOf<Operation<"get", P>>) {
    return this.#call<"get", P>("get", path, rest[0]);
  }

  post<P extends PathsWith<"post">>(path: P, ...rest: ArgumentsOf<Operation<"post", P>>) {
    return this.#call<"post", P>("post", path, rest[0]);
  }

  put<P extends PathsWith<"put">>(path: P, ...rest: ArgumentsOf<Operation<"put", P>>) {
    return this.#call<"put", P>("put", path, rest[0]);
  }

  patch<P extends PathsWith<"patch">>(path: P, ...rest: ArgumentsOf<Operation<"patch", P>>) {
    return this.#call<"patch", P>("patch", path, rest[0]);
  }

  delete<P extends PathsWith<"delete">>(path: P, ...rest: ArgumentsOf<Operation<"delete", P>>) {
    return this.#call<"delete", P>("delete", path, rest[0]);
  }

  #call<M extends Method, P extends PathsWith<M>>(method: M, path: P, sending: unknown) {
    const answer = this.#sender.call(method.toUpperCase(), path, (sending ?? {}) as Sending);
    return answer as Promise<AnswerOf<Operation<M, P>>>;
  }

  // Tasks

  /** Order a task. The answer comes at once; see `waitForTask`. */
  createTask(order: TaskOrder, options: CallOptions = {}): Promise<Task> {
    return this.post("/v1/tasks", { ...options, body: order });
  }

  /** What it would cost. */
  quoteTask(order: TaskOrder, options: CallOptions = {}): Promise<Quote> {
    return this.post("/v1/tasks/quote", { ...options, body: order });
  }

  /** Order a task and wait for its end. */
  async runTask(order: TaskOrder, options: WaitOptions & Pick<CallOptions, "idempotencyKey"> = {}): Promise<Task> {
    const { idempotencyKey, signal } = options;
    const task = await this.createTask(order, { idempotencyKey, signal });
    return this.waitForTask(task.id, options);
  }

  /**
   * The task in full once it has ended, whatever came of it: look at its `status`.
   *
   * Follows its events, and where these do not come through, holds requests open. Goes on over lost connections and
   * restarts of the server. Throws WaitTimeout after `timeoutSeconds`; the task goes on.
   */
  waitForTask(taskId: string, options: WaitOptions = {}): Promise<Task> {
    return waitForTask(this.#sender, taskId, options);
  }

  /** With `wait` the answer comes when the task ends, or after so many seconds, at most 60. */
  getTask(taskId: string, { wait = 0, ...options }: CallOptions & { wait?: number } = {}): Promise<Task> {
    const timeoutSeconds = (options.timeoutSeconds ?? 30) + wait;
    return this.get("/v1/tasks/{task_id}", { ...options, timeoutSeconds, path: { task_id: taskId }, query: { wait } });
  }

  /** The task and its ETag; `task` is undefined while it is as it was with the ETag given. */
  async getTaskIfChanged(
    taskId: string,
    etag?: string,
    options: CallOptions = {},
  ): Promise<{ task: Task | undefined; etag: string }> {
    const headers = { ...options.headers, ...(etag ? { "If-None-Match": etag } : {}) };
    const sending = { ...options, headers, path: { task_id: taskId } };
    const response = await this.#sender.send("GET", "/v1/tasks/{task_id}", sending);
    const task = response.status === 304 ? undefined : ((await response.json()) as Task);
    return { task, etag: response.headers.get("etag") ?? "" };
  }

  /** One page, newest first. */
  listTasks(filters: TaskFilters = {}, options: CallOptions = {}): Promise<Page<Task>> {
    const query = { ...filters } as Record<string, unknown>;
    return this.#sender.call("GET", "/v1/tasks", { ...options, query }) as Promise<Page<Task>>;
  }

  cancelTask(taskId: string, options: CallOptions = {}): Promise<Task> {
    return this.post("/v1/tasks/{task_id}/cancel", { ...options, path: { task_id: taskId } });
  }

  retryTask(taskId: string, options: CallOptions = {}): Promise<Task> {
    return this.post("/v1/tasks/{task_id}/retry", { ...options, path: { task_id: taskId } });
  }

  // Batches, files, credits

  createBatch(order: BatchOrder, options: CallOptions = {}): Promise<Batch> {
    return this.post("/v1/batches", { ...options, body: order });
  }

  getBatch(batchId: string, { wait = 0, ...options }: CallOptions & { wait?: number } = {}): Promise<Batch> {
    const timeoutSeconds = (options.timeoutSeconds ?? 30) + wait;
    const path = { batch_id: batchId };
    return this.get("/v1/batches/{batch_id}", { ...options, timeoutSeconds, path, query: { wait } });
  }

  /** Upload an image: a File of a form, a Blob, or bytes. */
  uploadAsset(file: Blob | ArrayBuffer | Uint8Array, options: UploadOptions = {}): Promise<Asset> {
    const { filename, metadata, ...others } = options;
    const blob = file instanceof Blob ? file : new Blob([file as BlobPart]);
    const form = new FormData();
    form.append("file", blob, filename ?? (blob as Partial<File>).name ?? "upload");
    if (metadata) form.append("metadata", JSON.stringify(metadata));
    return this.#sender.call("POST", "/v1/assets", { ...others, form }) as Promise<Asset>;
  }

  /** Have the server fetch an image from a public https URL. */
  importAsset(url: string, options: UploadOptions = {}): Promise<Asset> {
    const { filename, metadata, ...others } = options;
    const body = { url, ...(filename ? { filename } : {}), ...(metadata ? { metadata } : {}) };
    return this.#sender.call("POST", "/v1/assets", { ...others, body }) as Promise<Asset>;
  }

  getCredits(options: CallOptions = {}): Promise<Credits> {
    return this.get("/v1/credits", options);
  }

  // Streams

  /** Follow a task to its end. */
  taskEvents(taskId: string, options: FollowOptions = {}): EventStream<TaskEvent> {
    const follower = new Follower(`/v1/tasks/${encodeURIComponent(taskId)}/events`, true, options);
    return this.#stream(follower, taskEvent, options.signal);
  }

  /** Follow a batch to its end: the events of its tasks, then `batch.completed`. */
  batchEvents(batchId: string, options: FollowOptions = {}): EventStream<TaskEvent> {
    const follower = new Follower(`/v1/batches/${encodeURIComponent(batchId)}/events`, true, options);
    return this.#stream(follower, taskEvent, options.signal);
  }

  /**
   * Follow the workspace, for ever: what happens from now on, or has happened since `lastEventId`.
   * After a Reset fetch anew what you show.
   */
  events(options: EventsOptions = {}): EventStream<BacklotEvent | Reset> {
    return this.#stream(new Follower("/v1/events/stream", false, options), workspaceEvent, options.signal);
  }

  #stream<T>(follower: Follower, made: (message: Message) => T, signal?: AbortSignal): EventStream<T> {
    return new EventStream(follower, (closing) => {
      const both = signal ? AbortSignal.any([signal, closing]) : closing;
      return follow(this.#sender, follower, made, both);
    });
  }
}
