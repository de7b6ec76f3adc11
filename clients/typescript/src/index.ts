/** Backlot's API in TypeScript. */

export { Backlot } from "./client.ts";
export type { ListOptions, TaskFilters, UploadOptions } from "./client.ts";
export {
  ApiError,
  BacklotError,
  ConnectionFailed,
  UnexpectedAnswer,
  WaitTimeout,
  WebhookVerificationError,
} from "./errors.ts";
export type { FieldError } from "./errors.ts";
export { EventStream } from "./events.ts";
export type { BacklotEvent, EventsOptions, FollowOptions, Reset, TaskEvent, TaskEventType } from "./events.ts";
export type { ApiKey, BacklotOptions } from "./http.ts";
export type {
  Asset,
  Batch,
  BatchOrder,
  BatchShown,
  CallOptions,
  Credits,
  Page,
  Quote,
  Schemas,
  Task,
  TaskError,
  TaskOrder,
  TaskStatus,
  components,
  operations,
  paths,
} from "./types.ts";
export { hasEnded } from "./waiting.ts";
export type { WaitOptions } from "./waiting.ts";
export { verifyWebhook } from "./webhooks.ts";
export type { VerifyOptions, WebhookHeaders } from "./webhooks.ts";
