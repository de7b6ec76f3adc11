/** What index.html does. */

import { order, waitByEvents } from "./backlot.mjs";

const part = (id) => document.getElementById(id);

part("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { url, key, prompt } = Object.fromEntries(new FormData(event.target));
  const show = (type, task) => {
    part("progress").value = task.progress;
    part("status").textContent = type;
  };
  part("results").replaceChildren();
  try {
    const task = await order(url, key, { operation: "text_to_image", input: { prompt } });
    const ended = await waitByEvents(url, key, task.id, show);
    part("status").textContent = ended.error?.message ?? ended.status;
    const images = ended.outputs.map((output) => Object.assign(document.createElement("img"), { src: output.urls.full }));
    part("results").replaceChildren(...images);
  } catch (error) {
    part("status").textContent = error.message;
  }
});
