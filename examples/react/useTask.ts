/** A task as the state of a component: ordered, followed, shown as it goes, canceled. */

import { useCallback, useEffect, useRef, useState } from "react";

import type { Backlot, Task, TaskOrder } from "@backlot/client";

export type TaskState =
  | { phase: "idle"; task?: undefined; error?: undefined }
  | { phase: "running"; task?: Task; error?: undefined }
  | { phase: "ended"; task: Task; error?: undefined }
  | { phase: "lost"; task?: Task; error: Error };

export interface UseTask {
  state: TaskState;
  /** Order a task and follow it. What was followed before goes on, unseen. */
  run: (order: TaskOrder) => Promise<void>;
  /** Follow a task that was ordered before: after the page was loaded again, say. */
  follow: (taskId: string) => Promise<void>;
  /** Have the task stopped; its credits are given back. */
  cancel: () => Promise<void>;
}

export function useTask(client: Backlot): UseTask {
  const [state, setState] = useState<TaskState>({ phase: "idle" });
  const following = useRef<AbortController | null>(null);
  const taskId = useRef<string | null>(null);

  // When the component goes, so does the connection. The task does not.
  useEffect(() => () => following.current?.abort(), []);

  const start = useCallback(
    async (order: (signal: AbortSignal) => Promise<string>) => {
      following.current?.abort();
      const { signal } = (following.current = new AbortController());
      const show = (next: TaskState) => {
        if (!signal.aborted) setState(next);
      };
      let seen: Task | undefined;
      taskId.current = null;
      show({ phase: "running" });
      try {
        const id = await order(signal);
        if (!signal.aborted) taskId.current = id;
        const onProgress = (task: Task) => show({ phase: "running", task: (seen = task) });
        show({ phase: "ended", task: await client.waitForTask(id, { signal, onProgress }) });
      } catch (error) {
        show({ phase: "lost", error: error instanceof Error ? error : new Error(String(error)), ...(seen && { task: seen }) });
      }
    },
    [client],
  );

  const run = useCallback(
    (order: TaskOrder) => start(async (signal) => (await client.createTask(order, { signal })).id),
    [client, start],
  );
  const follow = useCallback((id: string) => start(async () => id), [start]);
  const cancel = useCallback(async () => {
    if (taskId.current) await client.cancelTask(taskId.current);
  }, [client]);

  return { state, run, follow, cancel };
}
