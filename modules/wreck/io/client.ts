/** A job as somebody who is attached to it sees it: its states, what its tasks write, and a way to write to them. */

import { type Handle, type ResponseStream } from "../../../broker/handle/mod.ts";
import {
  decodeIo,
  decodeJson,
  encodeIo,
  encodeJson,
  FluxError,
  type Io,
  ioBytes,
  isErrno,
} from "../../../broker/message/mod.ts";
import { Kvs } from "../../kvs/client.ts";
import { Reader } from "../../kz/client.ts";
import type { JobNews } from "../protocol.ts";
import { jobKey } from "../record.ts";
import { type InputNews, outputKey, type OutputName, type OutputNews, type RecordedNews } from "./protocol.ts";

/** A piece of what a task wrote; without bytes the end of that stream. */
export interface Output {
  readonly task: number;
  readonly stream: OutputName;
  readonly bytes: Uint8Array | undefined;
  /** What it counts against the credit. */
  readonly size: number;
}

/** What may be under way from all tasks together, characters. */
const WINDOW = 1 << 20;

export class JobWatch {
  readonly #handle: Handle;
  readonly #kvs: Kvs;
  readonly #stream: ResponseStream;
  #jobid: number | undefined;
  #last: JobNews | undefined;
  #taken = 0;

  /** Sends the request: `job.run` with a spec, or `job.follow` with a number. `input`: standard input can be had from here. */
  constructor(handle: Handle, topic: "job.run" | "job.follow", request: object, { input = false } = {}) {
    this.#handle = handle;
    this.#kvs = new Kvs(handle);
    const watch = { credit: WINDOW, input };
    this.#stream = handle.streamRaw(topic, encodeJson({ ...request, watch }));
  }

  /**
   * The states and all that the tasks write, from the beginning, each stream in order; the result is the last. Of a job that is over,
   * what was recorded. Throws what the request is refused with.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<JobNews | Output, void> {
    for await (const payload of this.#stream) {
      const news = decodeJson(payload) as unknown as JobNews | OutputNews | RecordedNews | InputNews;
      if ("pieces" in news) {
        for (const piece of news.pieces) yield* outputs(piece);
      } else if ("recorded" in news) yield* this.#recorded(news);
      else if (!("state" in news)) {
        if (this.#last) yield { ...this.#last, ...news };
      } else {
        const isOver = this.#jobid === undefined && news.result !== undefined;
        this.#jobid = news.jobid;
        this.#last = news;
        if (isOver) yield* this.#whole(news.jobid);
        yield news;
      }
    }
  }

  /** Output was dealt with: as much may come again. */
  took({ size }: Output): void {
    this.#taken += size;
    if (this.#taken < WINDOW / 2) return;
    this.#handle.post("job.grant", { matchtag: this.#stream.matchtag, credit: this.#taken });
    this.#taken = 0;
  }

  /**
   * Bytes for standard input, or its end; resolves when more may come. Only after news with `input`. False when nobody reads
   * it any more.
   */
  async write(bytes: Uint8Array | undefined): Promise<boolean> {
    try {
      await this.#handle.rpc("job.input", { jobid: this.#jobid, io: encodeIo("stdin", "", bytes) });
      return true;
    } catch (error) {
      if (isErrno(error, "ENOENT") || isErrno(error, "EPIPE") || isErrno(error, "EBUSY")) return false;
      throw error;
    }
  }

  /** Leaves the job to itself. */
  close(): void {
    void this.#stream.return();
  }

  /** What was written before we came: the store has it, or is about to. */
  async *#recorded({ jobid, recorded }: RecordedNews): AsyncGenerator<Output, void> {
    const utf8 = new TextEncoder();
    for (const { task, stream, blocks, lost } of recorded) {
      const reader = new Reader(this.#kvs, outputKey(jobid, task, stream), {});
      while (reader.index < blocks) {
        const bytes = (await reader.block())?.data;
        if (bytes) yield { task, stream, bytes, size: 0 };
      }
      if (lost === 0) continue;
      const note = `wreck: task ${task}: ${lost} bytes of its ${stream} were not kept\n`;
      yield { task, stream: "stderr", bytes: utf8.encode(note), size: 0 };
    }
  }

  /** All that is there of a job that is over. */
  async *#whole(jobid: number): AsyncGenerator<Output, void> {
    const ntasks = await optional(this.#kvs.get<number>(jobKey(jobid, "ntasks"))) ?? 0;
    for (const task of Array(ntasks).keys()) {
      for (const stream of ["stdout", "stderr"] as const) {
        const reader = new Reader(this.#kvs, outputKey(jobid, task, stream), {});
        for (;;) {
          const block = await optional(reader.poll());
          if (block?.data) yield { task, stream, bytes: block.data, size: 0 };
          if (!block || block.eof) break;
        }
        yield { task, stream, bytes: undefined, size: 0 };
      }
    }
  }
}

function* outputs(io: Io): Generator<Output, void> {
  const { stream, data, eof } = decodeIo(io);
  if (stream !== "stdout" && stream !== "stderr") throw new FluxError("EPROTO", `no such stream: ${stream}`);
  const task = Number(io.rank);
  if (data !== undefined) yield { task, stream, bytes: ioBytes(data), size: io.data!.length };
  if (eof) yield { task, stream, bytes: undefined, size: 0 };
}

/** Undefined for what is not there. */
async function optional<T>(value: Promise<T>): Promise<T | undefined> {
  try {
    return await value;
  } catch (error) {
    if (isErrno(error, "ENOENT") || isErrno(error, "ENOTDIR") || isErrno(error, "EAGAIN")) return undefined;
    throw error;
  }
}
