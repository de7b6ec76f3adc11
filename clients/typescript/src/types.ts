/** What goes over the wire, by short names, and how a call of the API is typed by its path. */

import type { components, paths } from "./generated/schema.ts";

export type { components, operations, paths } from "./generated/schema.ts";

export type Schemas = components["schemas"];
export type Task = Schemas["TaskRead"];
export type TaskStatus = Schemas["TaskStatus"];
export type TaskOrder = Schemas["TaskCreate"];
export type TaskError = Schemas["TaskError"];
export type Quote = Schemas["Quote"];
export type Batch = Schemas["BatchRead"];
export type BatchShown = Schemas["BatchShown"];
export type BatchOrder = Schemas["BatchCreate"];
export type Asset = Schemas["AssetRead"];
export type Credits = Schemas["CreditsRead"];

export interface Page<T> {
  data: T[];
  next_cursor: string | null;
}

export type Method = "get" | "post" | "put" | "patch" | "delete";

/** The paths that have this method. */
export type PathsWith<M extends Method> = {
  [P in keyof paths]: paths[P][M] extends { responses: unknown } ? P : never;
}[keyof paths];

export type Operation<M extends Method, P extends PathsWith<M>> = paths[P][M];

type Parameters<O, Place extends string> = O extends { parameters: infer All }
  ? Place extends keyof All
    ? Exclude<All[Place], undefined>
    : never
  : never;

type BodyOf<O> = O extends { requestBody: { content: { "application/json": infer B } } }
  ? B
  : O extends { requestBody?: { content: { "application/json": infer B } } }
    ? B | undefined
    : never;

type Part<Name extends string, V> = [V] extends [never]
  ? { [N in Name]?: never }
  : {} extends V
    ? { [N in Name]?: V }
    : undefined extends V
      ? { [N in Name]?: V }
      : { [N in Name]: V };

export interface CallOptions {
  /** Of your own, for a POST; else each call has one that its attempts share. */
  idempotencyKey?: string | undefined;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
  timeoutSeconds?: number;
}

export type OptionsOf<O> = CallOptions &
  Part<"path", Parameters<O, "path">> &
  Part<"query", Parameters<O, "query">> &
  Part<"body", BodyOf<O>>;

export type ArgumentsOf<O> = {} extends OptionsOf<O> ? [options?: OptionsOf<O>] : [options: OptionsOf<O>];

type ContentOf<R> = R extends { content: { "application/json": infer J } }
  ? J
  : R extends { content: { "text/csv": infer T } }
    ? T
    : undefined;

type Good<R> = { [S in keyof R & (200 | 201 | 202 | 204)]: ContentOf<R[S]> }[keyof R & (200 | 201 | 202 | 204)];

export type AnswerOf<O> = O extends { responses: infer R } ? Good<R> : never;
