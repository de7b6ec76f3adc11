/** Server-sent events, as the WHATWG's HTML standard has them. */

export interface Message {
  /** The Last-Event-ID after it. */
  id: string | undefined;
  event: string;
  data: string;
}

/** Of one connection: text in, messages out. A message that was cut off is dropped. */
export class Parser {
  lastEventId: string | undefined;
  /** Seconds before connecting again, where the server said so. */
  retry: number | undefined;
  #rest = "";
  #isFirst = true;
  #event = "";
  #id: string | undefined;
  #data: string[] = [];

  constructor(lastEventId?: string) {
    this.lastEventId = this.#id = lastEventId;
  }

  feed(chunk: string): Message[] {
    const found: Message[] = [];
    const all = this.#rest + chunk;
    // A carriage return at the end may be half of a line end.
    const end = all.endsWith("\r") ? all.length - 1 : all.length;
    const lines = all.slice(0, end).split(/\r\n|\n|\r/);
    this.#rest = (lines.pop() ?? "") + all.slice(end);
    for (const line of lines) {
      if (line) this.#take(line);
      else this.#dispatch(found);
    }
    return found;
  }

  #take(line: string): void {
    if (this.#isFirst && line.startsWith("\ufeff")) line = line.slice(1);
    this.#isFirst = false;
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "event") this.#event = value;
    else if (name === "data") this.#data.push(value);
    else if (name === "id" && !value.includes("\0")) this.#id = value || undefined;
    else if (name === "retry" && /^\d+$/.test(value)) this.retry = Number(value) / 1000;
  }

  /** Without data it only moves the Last-Event-ID. */
  #dispatch(found: Message[]): void {
    this.lastEventId = this.#id;
    if (this.#data.length) found.push({ id: this.#id, event: this.#event || "message", data: this.#data.join("\n") });
    this.#event = "";
    this.#data = [];
  }
}
