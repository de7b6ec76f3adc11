/** The TypeScript client, against the running server. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { ApiError, Backlot, ConnectionFailed, WaitTimeout } from "../../../clients/typescript/src/index.ts";
import type { Task } from "../../../clients/typescript/src/index.ts";
import { KEY, PHOTO, PROXY, URL, backlot, gathered, mark, plan, proxied, seenSince } from "./given.ts";

const order = (model?: string) => ({
  operation: "text_to_image",
  input: { prompt: "a lighthouse" },
  ...(model ? { model } : {}),
});

test("an order is run to its end", async () => {
  const seen: Task[] = [];
  const input = { prompt: "a lighthouse", num_images: 2 };
  const task = await backlot.runTask({ operation: "text_to_image", input }, { onProgress: (one) => seen.push(one) });
  assert.equal(task.status, "succeeded");
  assert.equal(task.outputs.length, 2);
  assert.match(task.outputs[0]?.urls.full ?? "", /^http/);
  assert.equal(seen[0]?.status, "pending");
  assert.equal(seen.at(-1)?.progress, 1);
});

test("a failed task is given back with its reason", async () => {
  const task = await backlot.runTask(order("sandbox:reject"));
  assert.deepEqual([task.status, task.error?.code, task.credits.charged], ["failed", "content_rejected", 0]);
});

test("an order whose answer was lost is one task and one charge", async () => {
  const run = crypto.randomUUID();
  const start = await mark();
  await plan("POST /v1/tasks", { lose: true }, { lose: true });
  const before = (await backlot.getCredits()).balance;
  const task = await proxied.runTask({ ...order(), metadata: { run } });
  const keys = (await seenSince(start, /^POST/)).map((headers) => headers["idempotency-key"]);
  assert.equal(keys.length, 3);
  assert.equal(new Set(keys).size, 1);
  const found = await backlot.listTasks({ metadata: { run }, status: ["succeeded", "failed"] });
  assert.deepEqual(found.data.map((one) => one.id), [task.id]);
  assert.equal((await backlot.getCredits()).balance, before - 1);
});

test("a key of the caller's own is sent", async () => {
  const idempotencyKey = crypto.randomUUID();
  const first = await backlot.createTask(order(), { idempotencyKey });
  const second = await backlot.createTask(order(), { idempotencyKey });
  assert.equal(first.id, second.id);
  assert.notEqual((await backlot.createTask(order())).id, first.id);
});

test("what may not happen twice is not sent again", async () => {
  const start = await mark();
  const forgot = () => proxied.post("/v1/auth/forgot-password", { body: { email: "nobody@example.org" } });
  await plan("POST", { lose: true });
  await assert.rejects(forgot, ConnectionFailed);
  assert.equal((await seenSince(start, /^POST/)).length, 1);
  await plan("POST", { answer: [429, { "retry-after": "0" }, ""] });
  await forgot();
});

test("it waits as long as it is told to", async () => {
  const start = await mark();
  const busy = '{"code": "idempotency_key_in_flight", "status": 409}';
  await plan(
    "GET /v1/credits",
    { answer: [503, { "retry-after": "1" }, "{}"] },
    { answer: [409, { "content-type": "application/problem+json" }, busy] },
    { answer: [502, { "content-type": "text/html" }, "<h1>Bad gateway</h1>"] },
  );
  const began = Date.now();
  await proxied.getCredits();
  assert.ok(Date.now() - began > 1000);
  assert.equal((await seenSince(start, /^GET/)).length, 4);
  await plan("GET /v1/credits", { answer: [429, { "retry-after": "7200" }, ""] });
  await assert.rejects(() => proxied.getCredits(), { status: 429, retryAfter: 7200, code: "http_429" });
});

test("problems are typed", async () => {
  const wrong = backlot.createTask({ operation: "text_to_image", input: { prompt: "x", num_images: 99 } });
  const error = await wrong.catch((caught: unknown) => caught);
  assert.ok(error instanceof ApiError);
  assert.deepEqual([error.status, error.retryable], [422, false]);
  assert.deepEqual(error.errors.map((one) => one.pointer), ["/input/num_images"]);
  assert.match(error.requestId ?? "", /^req_/);
  await assert.rejects(() => backlot.waitForTask("task_01jcqzm4x8e3v9tk5h2w7d6n0p"), { code: "task_not_found" });
  const stranger = new Backlot({ baseUrl: URL, apiKey: "bk_test_nobody" });
  await assert.rejects(() => gathered(stranger.taskEvents("task_01jcqzm4x8e3v9tk5h2w7d6n0p")), { status: 401 });
  const nobody = new Backlot({ baseUrl: "http://127.0.0.1:9", maxRetries: 0 });
  await assert.rejects(() => nobody.getCredits(), ConnectionFailed);
});

test("a key may come from a function", async () => {
  const client = new Backlot({ baseUrl: `${URL}/`, apiKey: async () => KEY });
  assert.ok((await client.getCredits()).balance > 0);
});

test("every operation is typed by its path", async () => {
  const keys = await backlot.get("/v1/problems");
  assert.ok(keys.data.some((one) => one.code === "task_not_found"));
  const csv: string = await backlot.get("/v1/credits/transactions.csv");
  assert.match(csv, /,/);
  const made = await backlot.createTask(order());
  await backlot.waitForTask(made.id);
  const nothing: undefined = await backlot.delete("/v1/tasks/{task_id}", { path: { task_id: made.id } });
  assert.equal(nothing, undefined);
  // @ts-expect-error a path has to be filled
  await assert.rejects(() => backlot.get("/v1/tasks/{task_id}"));
  // @ts-expect-error there is no such path
  await assert.rejects(() => backlot.get("/v1/nowhere"));
  // @ts-expect-error an order names its operation
  await assert.rejects(() => backlot.createTask({ input: {} }));
});

test("a photo is uploaded and worked on", async () => {
  await plan("POST /v1/assets", { lose: true });
  const bytes = await readFile(PHOTO);
  const asset = await proxied.uploadAsset(bytes, { filename: "coffee.jpg", metadata: { sku: "A-17" } });
  assert.deepEqual([asset.filename, asset.metadata], ["coffee.jpg", { sku: "A-17" }]);
  const file = new File([bytes], "cup.jpg", { type: "image/jpeg" });
  assert.equal((await backlot.uploadAsset(file)).filename, "cup.jpg");
  const task = await backlot.runTask({ operation: "remove_background", input: { image: asset.id } });
  assert.equal(task.status, "succeeded");
});

test("a task that has not changed is not sent again", async () => {
  const task = await backlot.runTask(order());
  const { etag } = await backlot.getTaskIfChanged(task.id);
  assert.deepEqual(await backlot.getTaskIfChanged(task.id, etag), { task: undefined, etag });
});

test("waiting ends in time, or when the caller wants it to", async () => {
  const task = await backlot.createTask(order("sandbox:slow-60"));
  const began = Date.now();
  const late = await backlot.waitForTask(task.id, { timeoutSeconds: 1.5 }).catch((caught: unknown) => caught);
  assert.ok(late instanceof WaitTimeout);
  assert.equal(late.task?.id, task.id);
  const left = new AbortController();
  setTimeout(() => left.abort(), 300);
  await assert.rejects(() => backlot.waitForTask(task.id, { signal: left.signal }), { name: "AbortError" });
  assert.ok(Date.now() - began < 4000);
  assert.equal((await backlot.cancelTask(task.id)).status, "canceled");
  assert.equal((await backlot.waitForTask(task.id)).status, "canceled");
});

test("each event of a task comes once and in order over cut connections", async () => {
  const asset = await backlot.uploadAsset(await readFile(PHOTO));
  const task = await backlot.runTask({ operation: "replace_background", input: { image: asset.id, preset: "wood" } });
  const whole = await gathered(backlot.taskEvents(task.id));
  assert.equal(whole[0]?.type, "task.created");
  assert.equal((whole.at(-1)?.data as Task).outputs.length, 1);
  const start = await mark();
  await plan("GET /v1/tasks/.*/events", { cut: 1 }, { answer: [502, {}, ""] }, { cut: 2 });
  const told = await gathered(proxied.taskEvents(task.id));
  assert.deepEqual(
    told.map((event) => [event.id, event.type]),
    whole.map((event) => [event.id, event.type]),
  );
  const resumed = (await seenSince(start, /^GET/)).map((headers) => headers["last-event-id"]);
  assert.deepEqual(resumed.slice(0, 4), [undefined, whole[0]?.id, whole[0]?.id, whole[2]?.id]);
});

test("a batch is followed", async () => {
  const items = ["a cat", "a dog, sandbox:reject"].map((prompt) => ({ input: { prompt } }));
  const batch = await backlot.createBatch({ operation: "text_to_image", items });
  const last = (await gathered(backlot.batchEvents(batch.id))).at(-1);
  assert.ok(last?.type === "batch.completed");
  assert.deepEqual([last.data.summary.succeeded, last.data.summary.failed], [1, 1]);
});

test("where streams do not pass, requests are held", async () => {
  const start = await mark();
  await plan("GET /v1/tasks/.*/events", { answer: [200, { "content-type": "text/html" }, "<h1>No</h1>"] });
  assert.equal((await proxied.runTask(order("sandbox:slow-1"))).status, "succeeded");
  await plan("GET /v1/tasks/.*/events", { hush: 5 }, { hush: 5 });
  const task = await proxied.createTask(order("sandbox:slow-1"));
  assert.equal((await proxied.waitForTask(task.id, { silenceSeconds: 0.5 })).status, "succeeded");
  assert.equal((await seenSince(start, /^GET .*\?wait=/)).length, 2);
  assert.equal((await seenSince(start, /events$/)).length, 3);
});

test("waiting goes on while the server is away", async () => {
  const task = await proxied.createTask(order("sandbox:slow-2"));
  await plan("GET /v1/tasks", { cut: 1 }, { lose: true }, { lose: true }, { answer: [500, {}, ""] });
  assert.equal((await proxied.waitForTask(task.id)).status, "succeeded");
});

test("a stream is left when it is closed", async () => {
  const task = await backlot.createTask(order("sandbox:slow-60"));
  const stream = new Backlot({ baseUrl: PROXY, apiKey: KEY }).taskEvents(task.id);
  setTimeout(() => stream.close(), 500);
  const types = (await gathered(stream)).map((event) => event.type);
  assert.deepEqual(types.slice(0, 2), ["task.created", "task.started"]);
  const leaving = new AbortController();
  setTimeout(() => leaving.abort(new Error("enough")), 300);
  await assert.rejects(() => gathered(backlot.taskEvents(task.id, { signal: leaving.signal })), /enough/);
  await backlot.cancelTask(task.id);
});
