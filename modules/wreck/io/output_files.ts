/** The files that the output of a job goes to, for `--output` and `--error` (services.md §12.3 "output"). */

import type { JsonObject } from "../../../broker/message/mod.ts";
import type { Files, FileWriter } from "../../../broker/ports/mod.ts";
import type { JobSpec } from "../protocol.ts";
import type { OutputName } from "./protocol.ts";
import { renderPath } from "./template.ts";

const NEWLINE = 10;
/** Each task has a file of its own. */
const TASK = /\{\{\{?\s*taskid\s*\}?\}\}/;

/** One file, and who writes to it. */
interface OpenFile {
  readonly writer: Promise<FileWriter>;
  /** The write before the next one: what several ranks send at once must not mix. */
  last: Promise<unknown>;
  /** Streams that have not ended, of one that is a single task's own. */
  left: number;
}

export class OutputFiles {
  readonly #jobid: number;
  readonly #spec: JobSpec;
  readonly #files: Files;
  readonly #templates: Partial<Record<OutputName, string>>;
  readonly #labels: boolean;
  readonly #open = new Map<string, OpenFile>();
  /** Streams in the middle of a line. */
  readonly #begun = new Set<string>();

  constructor(jobid: number, spec: JobSpec, files: Files) {
    this.#jobid = jobid;
    this.#spec = spec;
    this.#files = files;
    const { stdout, stderr } = (spec.output?.files ?? {}) as JsonObject;
    this.#templates = {
      ...typeof stdout === "string" && { stdout, stderr: stdout },
      ...typeof stderr === "string" && { stderr },
    };
    this.#labels = Boolean(spec.output?.labelio);
  }

  /** Whether a stream of all tasks goes to files. Standard error goes with standard output, unless it has its own. */
  has(stream: OutputName): boolean {
    return this.#templates[stream] !== undefined;
  }

  /** Makes the files of the first task, so that what is wrong with them is known before it starts. Throws ENOENT, EACCES … */
  async begin(): Promise<void> {
    for (const stream of ["stdout", "stderr"] as const) {
      if (this.has(stream)) await this.#file(0, stream).writer;
    }
  }

  /** Resolves when it is written. Throws ENOSPC, EIO … */
  async write(task: number, stream: OutputName, bytes: Uint8Array): Promise<void> {
    const file = this.#file(task, stream);
    const own = this.#labels ? this.#labelled(task, stream, bytes) : bytes;
    const written = file.last.then(async () => await (await file.writer).write(own));
    file.last = written.catch(() => {});
    await written;
  }

  /** A stream has ended: the file of a task alone is closed with its last. */
  async end(task: number, stream: OutputName): Promise<void> {
    const file = this.#file(task, stream);
    if (--file.left === 0) (await file.writer).close();
  }

  /** Nothing more comes. */
  async close(): Promise<void> {
    const left = [...this.#open.values()].filter(({ left }) => left > 0);
    this.#open.clear();
    for (const { writer } of left) (await writer.catch(() => undefined))?.close();
  }

  #path(task: number, stream: OutputName): string {
    const { cmdline, cwd } = this.#spec;
    return renderPath(this.#templates[stream]!, { jobid: this.#jobid, task, command: cmdline[0]! }, cwd);
  }

  #file(task: number, stream: OutputName): OpenFile {
    const path = this.#path(task, stream);
    let file = this.#open.get(path);
    if (!file) {
      const writer = this.#files.create(path);
      writer.catch(() => {});
      const isOwn = TASK.test(this.#templates[stream]!);
      const streams = (["stdout", "stderr"] as const).filter((name) =>
        this.has(name) && this.#path(task, name) === path
      );
      this.#open.set(path, file = { writer, last: Promise.resolve(), left: isOwn ? streams.length : Infinity });
    }
    return file;
  }

  /** Every line with the task in front of it. */
  #labelled(task: number, stream: OutputName, bytes: Uint8Array): Uint8Array {
    const key = `${task}.${stream}`;
    const label = new TextEncoder().encode(`${task}: `);
    const parts: Uint8Array[] = [];
    for (let at = 0; at < bytes.length;) {
      const end = bytes.indexOf(NEWLINE, at) + 1 || bytes.length;
      if (!this.#begun.has(key)) parts.push(label);
      parts.push(bytes.subarray(at, end));
      if (bytes[end - 1] === NEWLINE) this.#begun.delete(key);
      else this.#begun.add(key);
      at = end;
    }
    const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }
}
