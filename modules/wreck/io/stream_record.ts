/** The record of one stream: blocks of up to 64 KiB of whole lines, up to a limit that the streams of a task share. Pure. */

import { blockKey, Cutter, encodeBlock, END } from "../../kz/client.ts";

/** Bytes of a block, at most. */
const BLOCK = 1 << 16;
const NEWLINE = 10;

/** What may still be recorded of a task, bytes. */
export interface Allowance {
  left: number;
}

export interface RecordedBlock {
  readonly key: string;
  readonly text: string;
}

export class StreamRecord {
  readonly #key: string;
  readonly #allowance: Allowance;
  readonly #cutter = new Cutter({ limit: BLOCK, wholeLines: true });
  /** What came since the last block. */
  #fresh: Uint8Array[] = [];
  #freshLength = 0;
  #ready: RecordedBlock[] = [];
  #count = 0;
  #lost = 0;
  #ended = false;

  constructor(key: string, allowance: Allowance) {
    this.#key = key;
    this.#allowance = allowance;
  }

  /** Blocks so far. */
  get count(): number {
    return this.#count;
  }

  /** Bytes that were not recorded. */
  get lost(): number {
    return this.#lost;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** What is in no block yet. */
  get rest(): Uint8Array {
    return concat([this.#cutter.rest, ...this.#fresh]);
  }

  /** Takes what was written; over the limit, whole lines as far as they fit. */
  take(bytes: Uint8Array): void {
    const kept = this.#lost > 0 ? bytes.subarray(0, 0) : this.#fitting(bytes);
    this.#lost += bytes.length - kept.length;
    this.#allowance.left -= kept.length;
    if (kept.length === 0) return;
    this.#fresh.push(kept);
    this.#freshLength += kept.length;
    if (this.#freshLength >= BLOCK) this.flush();
  }

  /** So many bytes were not even brought here. */
  lose(bytes: number): void {
    this.#lost += bytes;
  }

  /** Makes blocks of all whole lines. */
  flush(): void {
    if (this.#freshLength === 0) return;
    const bytes = concat(this.#fresh);
    this.#fresh = [];
    this.#freshLength = 0;
    for (const data of this.#cutter.push(bytes)) this.#block({ data });
  }

  /** Nothing more comes. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.flush();
    const data = this.#cutter.end();
    if (data) this.#block({ data });
    this.#block(END);
  }

  /** A block of its own, whatever the limit. */
  note(text: string): void {
    this.flush();
    const data = this.#cutter.end();
    if (data) this.#block({ data });
    this.#block({ data: new TextEncoder().encode(text) });
  }

  /** The blocks that were made since they were last taken. */
  takeBlocks(): RecordedBlock[] {
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }

  #fitting(bytes: Uint8Array): Uint8Array {
    const { left } = this.#allowance;
    if (bytes.length <= left) return bytes;
    return bytes.subarray(0, bytes.subarray(0, Math.max(0, left)).lastIndexOf(NEWLINE) + 1);
  }

  #block(block: Parameters<typeof encodeBlock>[0]): void {
    this.#ready.push({ key: blockKey(this.#key, this.#count++), text: encodeBlock(block) });
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
