/** BACKLOT_URL=http://127.0.0.1:8000 BACKLOT_KEY=bk_… node examples/plain-fetch/run.mjs "a lighthouse" */

import { order, waitByEvents, waitByLongPoll } from "./backlot.mjs";

const { BACKLOT_URL: url = "http://127.0.0.1:8000", BACKLOT_KEY: key } = process.env;
if (!key) throw new Error("set BACKLOT_KEY");
const wanted = { operation: "text_to_image", input: { prompt: process.argv[2] ?? "a lighthouse" } };

const first = await order(url, key, wanted);
const followed = await waitByEvents(url, key, first.id, (event, task) => console.log(event, task.progress));
console.log(followed.id, followed.status, followed.outputs.map((output) => output.urls.full).join(" "));

const second = await order(url, key, wanted);
const waited = await waitByLongPoll(url, key, second.id);
console.log(waited.id, waited.status, waited.error?.message ?? "");
