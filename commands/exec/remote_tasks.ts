/**
 * A program on many ranks, as its client sees it: what each task writes as far as there is credit, what may be written to it,
 * its end. One request goes down the tree, and what all ranks hear alike goes once over each link.
 */

import {
  type Answers,
  decodeTaskNews,
  encodeTaskNote,
  type Handle,
  type MrpcStream,
  type RankNews,
} from "../../broker/handle/mod.ts";
import { errnum, errorText, FluxError, Idset } from "../../broker/message/mod.ts";

export type StreamName = "stdout" | "stderr";

/** What tasks tell of themselves, the same of all of `ranks`. `output` without bytes is the end of the stream. */
export type Happening =
  | { readonly ranks: Idset; readonly what: "started" | "credit" }
  | { readonly ranks: Idset; readonly what: "output"; readonly stream: StreamName; readonly bytes?: Uint8Array }
  /** Nothing more comes of them. */
  | { readonly ranks: Idset; readonly what: "over" };

/** One task. */
interface State {
  started: boolean;
  over: boolean;
  /** The status word, once it has finished. */
  status: number | undefined;
  /** Why it did not run, or not to its end. */
  error: FluxError | undefined;
  /** What it takes of its input before it has read any, bytes; 0 until it has said so. */
  room: number;
  /** Bytes written to it that it has not taken. */
  outstanding: number;
  /** Bytes taken of its output that were not credited again. */
  readonly taken: Record<StreamName, number>;
}

export class RemoteTasks {
  readonly ranks: Idset;
  readonly #stream: MrpcStream;
  readonly #states = new Map<number, State>();
  readonly #window: number;
  /** Credit that leaves at the end of this turn: who gets so much for a stream. */
  #credits: { stream: StreamName; bytes: number; ranks: Idset }[] = [];

  /** Sends the request (wire.md §3.17); `window` bytes of each stream of each task may be under way. */
  constructor(handle: Handle, ranks: Idset, request: Uint8Array, window: number) {
    this.ranks = ranks;
    this.#window = window;
    for (const rank of ranks) {
      const ends = { started: false, over: false, status: undefined, error: undefined };
      this.#states.set(rank, { ...ends, room: 0, outstanding: 0, taken: { stdout: 0, stderr: 0 } });
    }
    this.#stream = handle.mrpcStream("rexec.exec", request, { ranks });
  }

  /** Tells what happens, until all are over. Throws why the request as a whole was refused. */
  async follow(tell: (happening: Happening) => void): Promise<void> {
    for await (const answers of this.#stream) this.#heard(answers, tell);
  }

  /** The status word of a task, undefined if it has none; and why it did not run, or not to its end. */
  end(rank: number): Readonly<Pick<State, "status" | "error">> {
    return this.#states.get(rank)!;
  }

  /** None of them is known to run: none has started yet, or all that have are over. */
  get isIdle(): boolean {
    return this.#those(({ started, over }) => started && !over).size === 0;
  }

  /** How many have neither started nor failed. */
  get waiting(): number {
    return this.#those(({ started, over }) => !started && !over).size;
  }

  /** Output was dealt with: as much may come again. */
  took(rank: number, stream: StreamName, bytes: number): void {
    const { taken, over } = this.#states.get(rank)!;
    taken[stream] += bytes;
    if (taken[stream] < this.#window / 2 || over) return;
    if (this.#credits.length === 0) queueMicrotask(() => this.#credit());
    const same = this.#credits.find((credit) => credit.stream === stream && credit.bytes === taken[stream]);
    if (same) same.ranks.add(rank);
    else this.#credits.push({ stream, bytes: taken[stream], ranks: new Idset([rank]) });
    taken[stream] = 0;
  }

  /** Whether so many bytes may be written to all that are not over. */
  hasRoom(bytes: number, window: number): boolean {
    for (const { over, outstanding, room } of this.#states.values()) {
      if (!over && outstanding + bytes > Math.min(window, room)) return false;
    }
    return true;
  }

  /** Writes to all that still run; without bytes it is the end of their input. */
  write(bytes: Uint8Array | undefined): void {
    const ranks = this.#those(({ over, status }) => !over && status === undefined);
    for (const rank of ranks) this.#states.get(rank)!.outstanding += bytes?.length ?? 0;
    this.#say([{ ranks, payload: encodeTaskNote({ type: "write", stream: "stdin", bytes }) }]);
  }

  /** Signals the process groups of all that are not over; returns how many those are. */
  signal(number: number): number {
    const ranks = this.#those(({ over }) => !over);
    this.#say([{ ranks, payload: encodeTaskNote({ type: "signal", number }) }]);
    return ranks.size;
  }

  #credit(): void {
    const credits = this.#credits;
    this.#credits = [];
    this.#say(credits.map(({ ranks, stream, bytes }) => {
      return { ranks, payload: encodeTaskNote({ type: "credit", stream, bytes }) };
    }));
  }

  /** The connection may have gone meanwhile: then the stream says so. */
  #say(notes: Parameters<MrpcStream["tell"]>[0]): void {
    try {
      this.#stream.tell(notes);
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
    }
  }

  #heard({ ranks, errnum: number, payload }: Answers, tell: (happening: Happening) => void): void {
    if (number === 0) {
      for (const news of decodeTaskNews(payload)) this.#happened(ranks, news, tell);
      return;
    }
    const error = number === errnum("ENODATA") ? undefined : new FluxError(number, errorText(payload));
    for (const rank of ranks) Object.assign(this.#states.get(rank)!, { over: true, error });
    tell({ ranks, what: "over" });
  }

  #happened(ranks: Idset, news: RankNews, tell: (happening: Happening) => void): void {
    switch (news.type) {
      case "started":
        for (const rank of ranks) this.#states.get(rank)!.started = true;
        return tell({ ranks, what: "started" });
      case "finished":
        for (const rank of ranks) this.#states.get(rank)!.status = news.status;
        return;
      case "add-credit":
        for (const rank of ranks) credited(this.#states.get(rank)!, news.bytes);
        return tell({ ranks, what: "credit" });
      case "output": {
        const { stream, bytes } = news;
        if (stream !== "stdout" && stream !== "stderr") throw new FluxError("EPROTO", `no such stream: ${stream}`);
        return tell({ ranks, what: "output", stream, ...(bytes && { bytes }) });
      }
    }
  }

  #those(condition: (state: State) => boolean): Idset {
    const ranks = new Idset();
    for (const [rank, state] of this.#states) if (condition(state)) ranks.add(rank);
    return ranks;
  }
}

/** The first credit is what a task takes unread, later ones are what it has read. */
function credited(state: State, bytes: number): void {
  if (state.room === 0) state.room = bytes;
  else state.outstanding = Math.max(0, state.outstanding - bytes);
}
