/** `rexec.exec` called as a stream on many ranks: the part of one rank, in the words of exec_wire.ts. */

import { decodeTaskNote, encodeTaskNews, type TaskNews } from "../../handle/mod.ts";
import { decodeJson, FluxError } from "../../message/mod.ts";
import type { Part, PartOptions, StreamMethods } from "../mrpc_part.ts";
import { ExecFlag, readExecRequest, streamOption } from "./command.ts";
import type { Launcher } from "./launcher.ts";
import type { Process } from "./process.ts";

/** Output beyond this is passed on at once, bytes. */
const LIMIT = 1 << 15;

export function execStreams(launcher: Launcher): StreamMethods {
  return { "rexec.exec": (options) => execPart(launcher, options) };
}

/** Throws as {@link readExecRequest} and {@link Launcher.launch} do. */
function execPart(launcher: Launcher, { payload, caller, isLocal, tell, hurry, end }: PartOptions): Part {
  const { command, flags, credit, fallthrough } = readExecRequest(decodeJson(payload));
  const hasInput = streamOption(command, "stdin", "CLOSED") !== "true";
  let batch: Batch | undefined;
  const add = (news: TaskNews) => {
    const canWait = !isAwaited(news, hasInput);
    if (!batch || (batch.canWait && !canWait)) {
      const begun: Batch = batch = { news: [], size: 0, canWait };
      const take = () => {
        if (batch === begun) batch = undefined;
        return encodeTaskNews(begun.news);
      };
      tell(take, canWait);
    }
    batch.news.push(news);
    if (news.type === "output") batch.size += news.bytes?.length ?? 0;
    if (batch.size >= LIMIT) hurry();
  };
  const { process, done } = launcher.launch({
    command,
    client: { ...caller, isLocal },
    background: false,
    waitable: false,
    flags: flags & ~ExecFlag.waitable,
    fallthrough,
    credit,
    tellsStops: false,
    tell: (news) => news.type !== "stopped" && add(news),
  });
  done.then(() => end(), end);
  return {
    hear: (note) => hear(process, note),
    stop: () => process.desert(),
  };
}

/** News that go out together. */
interface Batch {
  readonly news: TaskNews[];
  /** Bytes of output. */
  size: number;
  readonly canWait: boolean;
}

/** Whether anybody waits for it: to print it, or to write when all have started, and as they read. */
function isAwaited(news: TaskNews, hasInput: boolean): boolean {
  if (news.type === "output") return news.bytes !== undefined;
  return hasInput && (news.type === "started" || news.type === "add-credit");
}

/** What makes no sense, or comes too late, is passed over. */
function hear(process: Process, bytes: Uint8Array): void {
  try {
    const note = decodeTaskNote(bytes);
    switch (note.type) {
      case "write": {
        const { stream, bytes } = note;
        return process.run?.handle(bytes ? { is: "write", stream, bytes } : { is: "write-end", stream });
      }
      case "credit":
        return process.run?.handle({ is: "credit", stream: note.stream, bytes: note.bytes });
      case "signal":
        return process.signal(note.number);
    }
  } catch (error) {
    if (!(error instanceof FluxError)) throw error;
  }
}
