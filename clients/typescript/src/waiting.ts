/** Waiting for the end of a task. */

import { Limit, TIME_IS_UP, backoff, sleep } from "./clock.ts";
import { ApiError, UnexpectedAnswer, WaitTimeout } from "./errors.ts";
import { Follower, isPassing, messages, taskEvent } from "./events.ts";
import type { Sender } from "./http.ts";
import type { Task } from "./types.ts";

const WAIT_SECONDS = 600;
/** Pings come every 15 seconds: a stream that is quieter than that is kept back somewhere on the way. */
const SILENCE_SECONDS = 20;
/** So often in a row a stream may fail before the task is polled instead. */
const MOST_FAILURES = 2;
/** How long an answer is held by the server: less than proxies bear. */
const HOLD_SECONDS = 25;
const HOLD_SECONDS_FOR_PROGRESS = 2;

export interface WaitOptions {
  /** Until when to wait: 600 seconds; Infinity: to the end, whenever that is. */
  timeoutSeconds?: number;
  signal?: AbortSignal | undefined;
  /** Told of each change of status or progress, and of the end. */
  onProgress?: (task: Task) => void;
  /** A stream that says nothing for so long is given up: 20. Pings come every 15 seconds. */
  silenceSeconds?: number;
}

/** Whether nothing more comes of the task by itself. */
export function hasEnded(task: Pick<Task, "status">): boolean {
  return task.status === "succeeded" || task.status === "failed" || task.status === "canceled";
}

export async function waitForTask(sender: Sender, taskId: string, options: WaitOptions): Promise<Task> {
  const seconds = options.timeoutSeconds ?? WAIT_SECONDS;
  const until = Date.now() + seconds * 1000;
  const limit = new Limit(seconds, options.signal);
  const seen = new Seen(options.onProgress);
  try {
    await watch(sender, taskId, limit.signal, seen, options.silenceSeconds ?? SILENCE_SECONDS);
    return await hold(sender, taskId, limit.signal, seen, until);
  } catch (error) {
    if (error === TIME_IS_UP) throw new WaitTimeout(taskId, seconds, seen.task);
    throw error;
  } finally {
    limit.end();
  }
}

/** The task as it was last seen; tells of each change once. */
class Seen {
  task: Task | undefined;
  readonly #onProgress: WaitOptions["onProgress"];

  constructor(onProgress: WaitOptions["onProgress"]) {
    this.#onProgress = onProgress;
  }

  get isTold(): boolean {
    return this.#onProgress !== undefined;
  }

  /** Whether it has ended. */
  see(task: Task): boolean {
    const before = this.task;
    this.task = task;
    if (before?.status !== task.status || before.progress !== task.progress) this.#onProgress?.(task);
    return hasEnded(task);
  }
}

/** Return when the task seems to have ended, or when streams do not work here. */
async function watch(sender: Sender, taskId: string, signal: AbortSignal, seen: Seen, silence: number): Promise<void> {
  const follower = new Follower(`/v1/tasks/${encodeURIComponent(taskId)}/events`, true, {});
  for (;;) {
    try {
      for await (const message of messages(sender, follower, signal, silence)) {
        if (!message) continue;
        follower.handed(message);
        if (seen.see(taskEvent(message).data as Task)) return;
      }
    } catch (error) {
      if (error instanceof UnexpectedAnswer) return;
      follower.failed(error);
    }
    if (follower.isOver || follower.failures >= MOST_FAILURES) return;
    await sleep(follower.pause(), signal);
  }
}

async function hold(sender: Sender, taskId: string, signal: AbortSignal, seen: Seen, until: number): Promise<Task> {
  for (let failures = 0; ; ) {
    const most = seen.isTold && failures === 0 ? HOLD_SECONDS_FOR_PROGRESS : HOLD_SECONDS;
    const wait = Math.max(0, Math.min(most, (until - Date.now()) / 1000));
    const sending = { path: { task_id: taskId }, query: { wait: wait.toFixed(2) }, signal, retries: 0 };
    let pause = 0;
    try {
      const task = (await sender.call("GET", "/v1/tasks/{task_id}", { ...sending, timeoutSeconds: wait + 10 })) as Task;
      failures = 0;
      if (seen.see(task)) return task;
    } catch (error) {
      if (!isPassing(error)) throw error;
      pause = ((error instanceof ApiError && error.retryAfter) || 0) + backoff(failures++);
    }
    if (Date.now() >= until) throw TIME_IS_UP;
    await sleep(pause, signal);
  }
}
