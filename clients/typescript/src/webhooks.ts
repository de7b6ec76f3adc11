/** Whether a webhook is from your Backlot: Standard Webhooks, versions v1 (shared secret) and v1a (public key). */

import { WebhookVerificationError } from "./errors.ts";
import type { BacklotEvent } from "./events.ts";

export type WebhookHeaders = Headers | Record<string, string | string[] | undefined>;

export interface VerifyOptions {
  /** How old it may be, and how far in the future: 300. */
  toleranceSeconds?: number;
  /** The time, in seconds since 1970. */
  now?: number;
}

/**
 * The event, once one of its signatures is found to be made with the secret, or one of the secrets.
 *
 * `body` is what was received, byte for byte, before anything parsed it. A secret is `whsec_…`, or a public key
 * `whpk_…`. Throws WebhookVerificationError.
 */
export async function verifyWebhook<Data = Record<string, unknown>>(
  body: string | Uint8Array | ArrayBuffer,
  headers: WebhookHeaders,
  secret: string | readonly string[],
  options: VerifyOptions = {},
): Promise<BacklotEvent<Data>> {
  const raw = typeof body === "string" ? new TextEncoder().encode(body) : new Uint8Array(body);
  const id = header(headers, "webhook-id");
  const stamp = header(headers, "webhook-timestamp");
  const signatures = header(headers, "webhook-signature");
  checkAge(stamp, options.toleranceSeconds ?? 300, options.now ?? Date.now() / 1000);
  const prefix = new TextEncoder().encode(`${id}.${stamp}.`);
  const signed = new Uint8Array(prefix.length + raw.length);
  signed.set(prefix);
  signed.set(raw, prefix.length);
  const secrets = typeof secret === "string" ? [secret] : secret;
  if (!secrets.length) throw new TypeError("no secret was given");
  const checked = await Promise.all(secrets.map((one) => isSignedWith(one, signed, signatures)));
  if (!checked.includes(true)) throw new WebhookVerificationError("no signature matches");
  return eventOf(raw, id);
}

function header(headers: WebhookHeaders, name: string): string {
  const found =
    headers instanceof Headers
      ? headers.get(name)
      : Object.entries(headers).find(([given]) => given.toLowerCase() === name)?.[1];
  const value = Array.isArray(found) ? found[0] : found;
  if (value === undefined || value === null) throw new WebhookVerificationError(`the header ${name} is missing`);
  return value;
}

function checkAge(stamp: string, tolerance: number, now: number): void {
  if (!/^\d+$/.test(stamp)) throw new WebhookVerificationError("webhook-timestamp is no time");
  if (Math.abs(now - Number(stamp)) > tolerance) {
    throw new WebhookVerificationError(`it was sent more than ${tolerance} s ago, or in the future`);
  }
}

/** The comparison of `verify` takes the same time wherever a signature differs. */
async function isSignedWith(secret: string, signed: Uint8Array<ArrayBuffer>, signatures: string): Promise<boolean> {
  const isPublic = secret.startsWith("whpk_");
  const algorithm = isPublic ? { name: "Ed25519" } : { name: "HMAC", hash: "SHA-256" };
  const bytes = decoded(secret.replace(/^wh(pk|sec)_/, ""));
  if (!bytes) throw new TypeError("the secret is not whsec_ or whpk_ and base64");
  const key = await crypto.subtle.importKey("raw", bytes, algorithm, false, ["verify"]);
  for (const entry of signatures.split(" ")) {
    const [version, value] = entry.split(",", 2);
    const signature = version === (isPublic ? "v1a" : "v1") && value ? decoded(value) : undefined;
    if (signature && (await crypto.subtle.verify(algorithm, key, signature, signed))) return true;
  }
  return false;
}

function decoded(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

function eventOf<Data>(raw: Uint8Array, id: string): BacklotEvent<Data> {
  try {
    const event: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(raw));
    if (typeof event === "object" && event !== null && "type" in event && "data" in event) {
      return { id, ...event } as BacklotEvent<Data>;
    }
  } catch {
    // as below
  }
  throw new WebhookVerificationError("it is signed, but no event");
}
