/** `shutdown.start`: ends the session in order, on request (wire.md §3.8). */

import { FluxError } from "../message/mod.ts";
import { type Methods, optionalInteger, parseLogLine, Queue, readableLogLine, type Request } from "../handle/mod.ts";
import type { BrokerParts } from "./native.ts";

const REASON = "requested by shutdown.start";

/** With streaming it answers with the log from here to the end of modules, lines of severity `loglevel` and worse. */
export function shutdownService(broker: BrokerParts): Methods {
  return {
    "shutdown.start": (request) => {
      const level = optionalInteger(request.payload, "loglevel") ?? Infinity;
      if (broker.options.rank !== 0) throw new FluxError("EPROTO", "this RPC is only available on rank 0");
      if (request.isStreaming) return lastLines(broker, request, level);
      void broker.shutdown(0, REASON);
    },
  };
}

/** The log until the broker lets go of its modules, and with them of who asked. */
async function* lastLines(broker: BrokerParts, { signal }: Request, level: number) {
  const { logs, machine } = broker;
  using lines = new Queue<string>();
  const follower = logs.follow(
    { send: (line) => lines.push(line), backlog: () => 0, skipped: (count) => `${count} lines were skipped` },
    { follow: true, nobacklog: true, clear: false },
  );
  using _watch = machine.watch((state) => {
    if (state === "finalize") lines.end();
  });
  signal.addEventListener("abort", () => lines.end(), { once: true });
  void broker.shutdown(0, REASON);
  try {
    for await (const line of lines) {
      const entry = parseLogLine(line);
      if (entry.severity <= level) yield { log: readableLogLine(entry) };
    }
  } finally {
    follower.stop();
  }
}
