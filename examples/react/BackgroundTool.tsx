/** A photo on a new background: upload, order, progress, result. */

import { useMemo, useState } from "react";
import type { ChangeEvent } from "react";

import { ApiError, Backlot } from "@backlot/client";

import { useTask } from "./useTask";

interface Props {
  baseUrl: string;
  /** Of the user who is signed in: an API key has no place in a page. */
  accessToken: () => string | Promise<string>;
}

export function BackgroundTool({ baseUrl, accessToken }: Props) {
  const client = useMemo(() => new Backlot({ baseUrl, apiKey: accessToken }), [baseUrl, accessToken]);
  const { state, run, cancel } = useTask(client);
  const [refused, setRefused] = useState<string>();

  async function choose(event: ChangeEvent<HTMLInputElement>) {
    const file = event.target.files?.[0];
    if (!file) return;
    setRefused(undefined);
    try {
      const photo = await client.uploadAsset(file);
      await run({ operation: "replace_background", input: { image: photo.id, preset: "wood", num_images: 2 } });
    } catch (error) {
      setRefused(error instanceof ApiError ? error.detail : String(error));
    }
  }

  return (
    <section>
      <input type="file" accept="image/jpeg,image/png,image/webp" onChange={choose} />
      {refused && <p role="alert">{refused}</p>}
      {state.phase === "running" && (
        <p>
          <progress value={state.task?.progress ?? 0} /> <button onClick={cancel}>Stop</button>
        </p>
      )}
      {state.phase === "lost" && <p role="alert">{state.error.message}</p>}
      {state.phase === "ended" && state.task.error && <p role="alert">{state.task.error.message}</p>}
      {state.phase === "ended" && state.task.outputs.map((output) => <img key={output.id} src={output.urls.medium ?? output.urls.full} alt="" />)}
    </section>
  );
}
