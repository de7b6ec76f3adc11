/** Pauses and limits, which a signal ends. */

/** Resolves after so many seconds; rejects with the signal's reason as soon as that is aborted. */
export function sleep(seconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, seconds * 1000);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/** The reason with which a limit aborts. */
export const TIME_IS_UP = new Error("time is up");

/** A signal that is aborted with the caller's, or once nothing has restarted it for so many seconds. */
export class Limit {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #stop: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(seconds: number, outer?: AbortSignal) {
    this.#outer = outer;
    this.#stop = () => {
      clearTimeout(this.#timer);
      this.#controller.abort(outer?.reason);
    };
    if (outer?.aborted) this.#stop();
    outer?.addEventListener("abort", this.#stop, { once: true });
    this.restart(seconds);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get isUp(): boolean {
    return this.signal.aborted && this.signal.reason === TIME_IS_UP;
  }

  restart(seconds: number): void {
    clearTimeout(this.#timer);
    if (Number.isFinite(seconds) && !this.signal.aborted) {
      this.#timer = setTimeout(() => this.#controller.abort(TIME_IS_UP), Math.min(seconds * 1000, 2 ** 31 - 1));
    }
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener("abort", this.#stop);
  }
}

/** Seconds before the next attempt, so that many clients do not come back at once. */
export function backoff(failures: number, first = 0.5, most = 8): number {
  return Math.min(most, first * 2 ** failures) * (0.5 + Math.random() / 2);
}
