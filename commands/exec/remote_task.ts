/** A task on one rank, as its client sees it: what it writes as far as there is credit, what may be written to it, its end. */

import type { Handle, ResponseStream } from "../../broker/handle/mod.ts";
import { decodeIo, decodeJson, errnum, FluxError, ioBytes, type JsonObject } from "../../broker/message/mod.ts";

export type StreamName = "stdout" | "stderr";

/** What a task tells of itself. `output` without bytes is the end of the stream. */
export type Happening =
  | { readonly task: RemoteTask; readonly what: "started" | "credit" | "stopped" | "over" }
  | { readonly task: RemoteTask; readonly what: "output"; readonly stream: StreamName; readonly bytes?: Uint8Array };

export class RemoteTask {
  readonly rank: number;
  readonly #handle: Handle;
  readonly #stream: ResponseStream;
  readonly #window: number;
  /** Bytes taken that were not credited again, by stream. */
  readonly #taken: Record<StreamName, number> = { stdout: 0, stderr: 0 };
  /** Undefined before it is started. */
  pid: number | undefined;
  /** The status word, once it has finished. */
  status: number | undefined;
  /** Why it did not run, or not to its end. */
  error: FluxError | undefined;
  over = false;
  #firstCredit = 0;
  /** Bytes written to it that it has not taken. */
  #outstanding = 0;

  /** Sends the request; `window` bytes of each of its streams may be under way. */
  constructor(handle: Handle, rank: number, request: Uint8Array, window: number) {
    this.rank = rank;
    this.#handle = handle;
    this.#window = window;
    this.#stream = handle.streamRaw("rexec.exec", request, { rank });
  }

  /** It has started, or will not. */
  get begun(): boolean {
    return this.pid !== undefined || this.over;
  }

  /** Tells what happens, until it is over. */
  async follow(tell: (happening: Happening) => void): Promise<void> {
    try {
      for await (const payload of this.#stream) this.#heard(decodeJson(payload), tell);
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
      this.error = error;
    }
    this.over = true;
    tell({ task: this, what: "over" });
  }

  /** Output was dealt with: as much may come again. */
  took(stream: StreamName, bytes: number): void {
    const taken = this.#taken[stream] += bytes;
    if (taken < this.#window / 2 || this.over) return;
    this.#taken[stream] = 0;
    this.#post("rexec.add-credit", { matchtag: this.#stream.matchtag, channels: { [stream]: taken } });
  }

  /** Whether so many bytes may be written to it; always, when it is over. */
  hasRoom(bytes: number, window: number): boolean {
    return this.over || this.#outstanding + bytes <= Math.min(window, this.#firstCredit);
  }

  /** Writes a piece of standard input, JSON of its io object, of so many bytes. */
  write(io: string, bytes: number): void {
    if (this.over || this.status !== undefined) return;
    this.#outstanding += bytes;
    const text = `{"matchtag":${this.#stream.matchtag},"io":${io}}\0`;
    this.#post("rexec.write", new TextEncoder().encode(text));
  }

  /** Signals its process group; what is gone already is no error. */
  async signal(signum: number): Promise<void> {
    if (this.pid === undefined || this.over) return;
    try {
      await this.#handle.rpc("rexec.kill", { pid: this.pid, signum }, { rank: this.rank });
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
    }
  }

  /** The connection may have gone meanwhile: then the stream says so. */
  #post(topic: string, payload: object | Uint8Array): void {
    try {
      this.#handle.post(topic, payload, { rank: this.rank });
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
    }
  }

  #heard(news: JsonObject, tell: (happening: Happening) => void): void {
    switch (news.type) {
      case "batch":
        for (const one of news.news as JsonObject[]) this.#heard(one, tell);
        return;
      case "started":
        this.pid = Number(news.pid);
        return tell({ task: this, what: "started" });
      case "stopped":
        return tell({ task: this, what: "stopped" });
      case "finished":
        this.status = Number(news.status);
        return;
      case "add-credit":
        this.#credited(Number((news.channels as JsonObject).stdin ?? 0));
        return tell({ task: this, what: "credit" });
      case "output": {
        const { stream, data, eof } = decodeIo(news.io);
        if (stream !== "stdout" && stream !== "stderr") {
          throw new FluxError(errnum("EPROTO"), `no such stream: ${stream}`);
        }
        if (data !== undefined) tell({ task: this, what: "output", stream, bytes: ioBytes(data) });
        if (eof) tell({ task: this, what: "output", stream });
      }
    }
  }

  #credited(bytes: number): void {
    if (this.#firstCredit === 0) this.#firstCredit = bytes;
    else this.#outstanding = Math.max(0, this.#outstanding - bytes);
  }
}
