/** What happens to a task, as `rexec.exec` streams it (wire.md §3.17). */

import { encodeIo, type Io } from "../../message/mod.ts";
import type { News } from "./subprocess.ts";

export type WireNews =
  | { type: "started" | "attached"; pid: number; cmd?: string }
  | { type: "add-credit"; channels: Record<string, number> }
  | { type: "output"; pid: number; io: Io }
  | { type: "stopped" }
  | { type: "finished"; status: number };

export function wireNews(news: News, pid: number, rank: number): WireNews {
  switch (news.type) {
    case "add-credit":
      return { type: "add-credit", channels: { [news.stream]: news.bytes } };
    case "output":
      return { type: "output", pid, io: encodeIo(news.stream, `${rank}`, news.bytes) };
    default:
      return news;
  }
}
