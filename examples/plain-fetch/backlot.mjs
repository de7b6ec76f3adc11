/** Ordering a task and waiting for it with nothing but fetch: in a browser and in Node. */

const ENDED = ["succeeded", "failed", "canceled"];
const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** Order a task. One Idempotency-Key for all attempts: however often it is sent, it is one task and one charge. */
export async function order(url, key, wanted) {
  const headers = {
    Authorization: `Bearer ${key}`,
    "Content-Type": "application/json",
    "Idempotency-Key": crypto.randomUUID(),
  };
  for (let attempt = 1; ; attempt++) {
    try {
      const answer = await fetch(`${url}/v1/tasks`, { method: "POST", headers, body: JSON.stringify(wanted) });
      const body = await answer.json();
      if (answer.ok) return body;
      if (answer.status < 500 || attempt === 4) throw Object.assign(new Error(body.detail), { problem: body });
    } catch (error) {
      if (error.problem || attempt === 4) throw error;
    }
    await pause(2 ** attempt / 2);
  }
}

/** Wait by long-poll: the server holds the answer until the task ends, for 25 seconds at most; then ask again. */
export async function waitByLongPoll(url, key, taskId) {
  for (;;) {
    try {
      const answer = await fetch(`${url}/v1/tasks/${taskId}?wait=25`, { headers: { Authorization: `Bearer ${key}` } });
      if (answer.status < 500) {
        const task = await answer.json();
        if (!answer.ok) throw Object.assign(new Error(task.detail), { problem: task });
        if (ENDED.includes(task.status)) return task;
        continue;
      }
    } catch (error) {
      if (error.problem) throw error;
    }
    await pause(1);
  }
}

/**
 * Wait by server-sent events, telling each: `EventSource` cannot send a key, so the stream is read by hand.
 * A connection that is lost is made again, and goes on after the last event that came.
 */
export async function waitByEvents(url, key, taskId, onEvent) {
  let lastEventId;
  for (;;) {
    const headers = { Authorization: `Bearer ${key}` };
    if (lastEventId) headers["Last-Event-ID"] = lastEventId;
    try {
      const answer = await fetch(`${url}/v1/tasks/${taskId}/events`, { headers });
      if (answer.status === 204) break; // all has been told
      if (answer.status >= 400 && answer.status < 500) {
        const problem = await answer.json();
        throw Object.assign(new Error(problem.detail), { problem });
      }
      let rest = "";
      const text = answer.ok ? answer.body.pipeThrough(new TextDecoderStream()).getReader() : undefined;
      for (let part = await text?.read(); part && !part.done; part = await text.read()) {
        const blocks = (rest + part.value).split("\n\n");
        rest = blocks.pop();
        for (const block of blocks) {
          const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: ?(.*)/s)));
          if (!fields.data) continue; // a ping
          lastEventId = fields.id;
          const task = JSON.parse(fields.data);
          onEvent?.(fields.event, task);
          if (ENDED.includes(task.status)) return task;
        }
      }
    } catch (error) {
      if (error.problem) throw error;
    }
    await pause(1);
  }
  return waitByLongPoll(url, key, taskId);
}
