/** What the tests are given: a running server, and a proxy before it that fails as told. */

import assert from "node:assert/strict";

import { Backlot } from "../../../clients/typescript/src/index.ts";

function environment(name: string): string {
  const value = process.env[name];
  assert.ok(value, `${name} is not set`);
  return value;
}

export const URL = environment("BACKLOT_URL");
export const KEY = environment("BACKLOT_KEY");
export const PROXY = environment("PROXY_URL");
export const PHOTO = environment("PHOTO");

export const backlot = new Backlot({ baseUrl: URL, apiKey: KEY });
export const proxied = new Backlot({ baseUrl: PROXY, apiKey: KEY });

export interface Fault {
  lose?: boolean;
  cut?: number;
  hush?: number;
  answer?: [status: number, headers: Record<string, string>, body: string];
}

export async function plan(line: string, ...faults: Fault[]): Promise<void> {
  await fetch(`${PROXY}/control`, { method: "POST", body: JSON.stringify({ line, faults }) });
}

/** The headers of the requests that the proxy has seen since the test began. */
export async function seenSince(mark: number, line: RegExp): Promise<Record<string, string>[]> {
  const seen = await all();
  return seen
    .slice(mark)
    .filter((one) => line.test(one.line))
    .map((one) => one.headers);
}

export async function mark(): Promise<number> {
  return (await all()).length;
}

async function all(): Promise<{ line: string; headers: Record<string, string> }[]> {
  const answer = await fetch(`${PROXY}/control`);
  return (await answer.json()) as { line: string; headers: Record<string, string> }[];
}

export async function gathered<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of stream) found.push(one);
  return found;
}
