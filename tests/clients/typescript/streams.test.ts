/** How the TypeScript client follows streams, told by a server of the test's own. */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";

import { Backlot } from "../../../clients/typescript/src/index.ts";
import { Parser } from "../../../clients/typescript/src/sse.ts";
import { messages, Follower } from "../../../clients/typescript/src/events.ts";
import { Sender } from "../../../clients/typescript/src/http.ts";

type Tell = (request: IncomingMessage, response: ServerResponse, connection: number) => void;

async function told(tell: Tell, hear: (url: string, asked: IncomingMessage[]) => Promise<void>): Promise<void> {
  const asked: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    asked.push(request);
    tell(request, response, asked.length);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await hear(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

function event(id: string, type = "task.succeeded"): string {
  const data = { id, object: "event", type, version: 1, timestamp: "2026-11-21T02:30:00Z", data: { id: "task_1" } };
  return `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}

function begin(response: ServerResponse, ...chunks: string[]): ServerResponse {
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const chunk of chunks) response.write(chunk);
  return response;
}

test("a stream is read however it is cut up", () => {
  const whole =
    "\ufeff: hello\r\nid: 1\r\nevent: a\r\ndata: x\r\ndata:  y\u2028z\r\n\r\ndata\n\nid: 2\rdata: last\r\r" +
    "id\ndata: without\n\n";
  const wanted = [
    { id: "1", event: "a", data: "x\n y\u2028z" },
    { id: "1", event: "message", data: "" },
    { id: "2", event: "message", data: "last" },
    { id: undefined, event: "message", data: "without" },
  ];
  assert.deepEqual(new Parser().feed(whole), wanted);
  const parser = new Parser();
  assert.deepEqual([...whole].flatMap((character) => parser.feed(character)), wanted);
  assert.deepEqual(new Parser().feed("id: 1\ndata: cut off\n"), []);
});

test("the workspace is followed over lost connections", async () => {
  const tell: Tell = (_, response, connection) => {
    if (connection === 1) {
      const chunks = ["retry: 10\n\n", event("evt_1"), event("evt_2", "asset.created"), event("evt_cut").slice(0, 40)];
      begin(response, ...chunks).end();
    } else if (connection === 2) response.writeHead(503).end();
    else if (connection === 3) begin(response, ": ping\n\n", "id: evt_3\n\n").end();
    else if (connection === 4) begin(response, "id: evt_9\nevent: reset\ndata: {}\n\n", event("evt_10")).end();
    else response.writeHead(403).end();
  };
  await told(tell, async (url, asked) => {
    const client = new Backlot({ baseUrl: url, apiKey: "key", workspaceId: "ws_1" });
    const stream = client.events({ types: ["task.*", "asset.created"], lastEventId: "evt_0" });
    const found: unknown[] = [];
    await assert.rejects(
      async () => {
        for await (const one of stream) found.push([one.object, one.type, one.id]);
      },
      { status: 403 },
    );
    assert.deepEqual(found, [
      ["event", "task.succeeded", "evt_1"],
      ["event", "asset.created", "evt_2"],
      ["reset", "reset", "evt_9"],
      ["event", "task.succeeded", "evt_10"],
    ]);
    assert.equal(stream.lastEventId, "evt_10");
    assert.deepEqual(
      asked.map((request) => request.headers["last-event-id"]),
      ["evt_0", "evt_2", "evt_2", "evt_3", "evt_10"],
    );
    assert.equal(asked[0]?.url, "/v1/events/stream?type=task.*&type=asset.created");
    assert.equal(asked[0]?.headers.authorization, "Bearer key");
    assert.equal(asked[0]?.headers["x-workspace-id"], "ws_1");
  });
});

test("the place to go on from is that of the event in hand", async () => {
  await told(
    (_, response) => void begin(response, event("evt_1") + event("evt_2") + "retry: 1\nid: evt_3\n\n").end(),
    async (url, asked) => {
      const stream = new Backlot({ baseUrl: url }).events();
      const places: unknown[] = [];
      for await (const _ of stream) {
        places.push(stream.lastEventId);
        if (places.length === 3) break;
      }
      // The third is told after `evt_3`, by another connection.
      assert.deepEqual(places, ["evt_1", "evt_2", "evt_1"]);
      assert.equal(asked[1]?.headers["last-event-id"], "evt_3");
    },
  );
});

test("a ticket stands in place of the key, and is asked for before each connection", async () => {
  const tell: Tell = (_, response, connection) => {
    if (connection === 3) response.writeHead(401).end();
    else begin(response, "retry: 1\n\n", event(`evt_${connection}`)).end();
  };
  await told(tell, async (url, asked) => {
    let tickets = 0;
    const client = new Backlot({ baseUrl: url, apiKey: "key" });
    await assert.rejects(
      async () => {
        for await (const _ of client.events({ ticket: async () => `ticket-${++tickets}` }));
      },
      { status: 401 },
    );
    assert.deepEqual(
      asked.map((request) => request.url),
      [1, 2, 3].map((number) => `/v1/events/stream?ticket=ticket-${number}`),
    );
    assert.ok(asked.every((request) => !request.headers.authorization));
  });
});

test("a stream without pings is left", async () => {
  await told(
    (_, response) => void begin(response, event("evt_1")),
    async (url) => {
      const follower = new Follower("/v1/events/stream", false, {});
      const stream = messages(new Sender({ baseUrl: url }), follower, undefined, 0.2);
      assert.equal((await stream.next()).value?.id, "evt_1");
      assert.equal((await stream.next()).value, undefined);
      await assert.rejects(() => stream.next(), { name: "ConnectionFailed" });
      assert.equal(follower.lastEventId, "evt_1");
    },
  );
});

test("what is no event is told", async () => {
  await told(
    (_, response) => void begin(response, "id: 1\nevent: task.failed\ndata: <html>\n\n"),
    async (url) => {
      const stream = new Backlot({ baseUrl: url }).events();
      await assert.rejects(() => stream.next(), { name: "UnexpectedAnswer" });
    },
  );
});
