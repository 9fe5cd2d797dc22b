/**
 * Standard output: what is printed starts to be written at once, and what comes while a write is under way leaves
 * together in the next one. So nothing lags behind when idle, and a hundred thousand lines cost a few hundred writes.
 */

/** Beyond this many characters or bytes waiting, `print` asks its caller to wait. */
const BACKLOG = 1 << 16;

const utf8 = new TextEncoder();

export class Output {
  readonly #write: (bytes: Uint8Array) => Promise<void>;
  readonly #broken = Promise.withResolvers<never>();
  #chunks: (string | Uint8Array)[] = [];
  #waiting = 0;
  #writing: Promise<void> | undefined;
  #failed = false;

  /** `write` takes all the bytes it is given, or rejects. */
  constructor(write: (bytes: Uint8Array) => Promise<void>) {
    this.#write = write;
    this.#broken.promise.catch(() => {});
  }

  /** Rejects with what a write failed with; otherwise it stays pending. */
  get broken(): Promise<never> {
    return this.#broken.promise;
  }

  /** Prints text or bytes as they are. A promise in return means: wait for it before printing more. */
  print(chunk: string | Uint8Array): Promise<void> | undefined {
    if (chunk.length === 0 || this.#failed) return;
    this.#chunks.push(chunk);
    this.#waiting += chunk.length;
    this.#writing ??= this.#drain();
    if (this.#waiting > BACKLOG) return this.#writing;
  }

  /** Resolves when everything printed so far is written; rejects when it could not be. */
  async flush(): Promise<void> {
    await this.#writing;
    if (this.#failed) await this.#broken.promise;
  }

  async #drain(): Promise<void> {
    try {
      while (this.#chunks.length > 0) {
        const chunks = this.#chunks;
        this.#chunks = [];
        this.#waiting = 0;
        for (const bytes of runs(chunks)) await this.#write(bytes);
      }
    } catch (error) {
      this.#failed = true;
      this.#chunks = [];
      this.#waiting = 0;
      this.#broken.reject(error);
    } finally {
      this.#writing = undefined;
    }
  }
}

/** Neighbouring texts as one piece of UTF-8, bytes as they are. */
function* runs(chunks: (string | Uint8Array)[]): Generator<Uint8Array> {
  let text = "";
  for (const chunk of chunks) {
    if (typeof chunk === "string") {
      text += chunk;
      continue;
    }
    if (text) yield utf8.encode(text);
    text = "";
    yield chunk;
  }
  if (text) yield utf8.encode(text);
}
