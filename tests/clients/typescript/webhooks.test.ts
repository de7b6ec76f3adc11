/** How the TypeScript client verifies webhooks. */

import assert from "node:assert/strict";
import { createHmac, createPrivateKey, createPublicKey, sign } from "node:crypto";
import { test } from "node:test";

import { WebhookVerificationError, verifyWebhook } from "../../../clients/typescript/src/index.ts";

const SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const OTHER = `whsec_${Buffer.from("another secret, also thirty-two.").toString("base64")}`;
const SENT_AT = 1795228200;
const BODY = '{"type":"post.published","timestamp":"2026-11-21T02:30:00Z","data":{"id":"pst_1"}}';
const HEADERS = {
  "webhook-id": "msg_sample_01",
  "webhook-timestamp": String(SENT_AT),
  "webhook-signature": "v1,U7kRqWMjNg9OgKOTE94r5upleQK4QnC7OUWb2lVSiGg=",
};
const at = (now = SENT_AT) => ({ now });

function signature(secret: string, body = BODY): string {
  const key = Buffer.from(secret.replace("whsec_", ""), "base64");
  return `v1,${createHmac("sha256", key).update(`msg_sample_01.${SENT_AT}.${body}`).digest("base64")}`;
}

test("a webhook is the event", async () => {
  const event = await verifyWebhook<{ id: string }>(BODY, HEADERS, SECRET, at());
  assert.deepEqual([event.type, event.id, event.data.id], ["post.published", "msg_sample_01", "pst_1"]);
  assert.deepEqual(await verifyWebhook(new TextEncoder().encode(BODY), new Headers(HEADERS), SECRET, at()), event);
  assert.deepEqual(await verifyWebhook(BODY, HEADERS, [OTHER, SECRET], at(SENT_AT + 299)), event);
  const capitals = Object.fromEntries(Object.entries(HEADERS).map(([name, value]) => [name.toUpperCase(), [value]]));
  assert.deepEqual(await verifyWebhook(BODY, capitals, SECRET, at()), event);
});

test("while a secret is changed, either is taken", async () => {
  const both = `v2,abcd v1a,AAAA ${signature(OTHER)} nonsense ${signature(SECRET)}`;
  for (const secret of [SECRET, OTHER]) {
    assert.ok(await verifyWebhook(BODY, { ...HEADERS, "webhook-signature": both }, secret, at()));
  }
});

const refused: [what: string, body: string, headers: Record<string, string>, secret: string, now: number][] = [
  ["another body", `${BODY} `, {}, SECRET, SENT_AT],
  ["another id", BODY, { "webhook-id": "msg_sample_02" }, SECRET, SENT_AT],
  ["another time", BODY, { "webhook-timestamp": String(SENT_AT + 1) }, SECRET, SENT_AT],
  ["no time", BODY, { "webhook-timestamp": "soon" }, SECRET, SENT_AT],
  ["another secret", BODY, {}, OTHER, SENT_AT],
  ["an old one", BODY, {}, SECRET, SENT_AT + 301],
  ["one of the future", BODY, {}, SECRET, SENT_AT - 301],
  ["an empty signature", BODY, { "webhook-signature": "v1," }, SECRET, SENT_AT],
  ["a broken signature", BODY, { "webhook-signature": "v1,%%%" }, SECRET, SENT_AT],
  ["no event", "[]", { "webhook-signature": signature(SECRET, "[]") }, SECRET, SENT_AT],
];
for (const [what, body, headers, secret, now] of refused) {
  test(`refused: ${what}`, async () => {
    await assert.rejects(() => verifyWebhook(body, { ...HEADERS, ...headers }, secret, at(now)), WebhookVerificationError);
  });
}

test("what is missing is named", async () => {
  await assert.rejects(() => verifyWebhook(BODY, { "webhook-id": "a" }, SECRET), /webhook-timestamp/);
  await assert.rejects(() => verifyWebhook(BODY, HEADERS, [], at()), /no secret/);
  await assert.rejects(() => verifyWebhook(BODY, HEADERS, "whsec_%", at()), /base64/);
});

test("a public key verifies what a private one signed", async () => {
  const seed = Buffer.from(Array.from({ length: 32 }, (_, index) => index));
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
  const secret = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const raw = createPublicKey(secret).export({ format: "der", type: "spki" }).subarray(-32);
  const key = `whpk_${raw.toString("base64")}`;
  const made = sign(null, Buffer.from(`msg_sample_01.${SENT_AT}.${BODY}`), secret).toString("base64");
  const headers = { ...HEADERS, "webhook-signature": `${HEADERS["webhook-signature"]} v1a,${made}` };
  assert.ok(await verifyWebhook(BODY, headers, key, at()));
  assert.ok(await verifyWebhook(BODY, headers, SECRET, at()));
  await assert.rejects(() => verifyWebhook(BODY, HEADERS, key, at()), WebhookVerificationError);
  await assert.rejects(() => verifyWebhook(`${BODY} `, headers, key, at()), WebhookVerificationError);
});
