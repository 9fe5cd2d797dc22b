/** `log.*`: what others ask of the log (wire.md §3.4), and `log.forward`, lines from a child on their way to rank 0. */

import { encodeText, Flag, isErrno } from "../message/mod.ts";
import { booleanField, type Methods, type Request, until } from "../handle/mod.ts";
import type { LogService } from "./log_service.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** `backlog` tells the bytes on their way to a client of this broker, 0 for who is none. */
export function logMethods(log: LogService, backlog: (id: string) => number): Methods {
  return {
    "log.append": (request) => append(log, request),
    "log.forward": ({ message }) => log.receive(decoder.decode(message.payload)),
    "log.dmesg": (request) => dmesg(log, request, backlog),
    "log.clear": () => log.clear(),
    "log.stats-get": () => {
      const { ring, local, remote } = log;
      return { "ring-used": ring.size, count: ring.next, local, remote };
    },
  };
}

/** Without a matchtag nobody wants an answer, not even an error: then what is no log line is logged as it is. */
function append(log: LogService, { message }: Request): void {
  const line = decoder.decode(message.payload).replace(/[\n\0]+$/, "");
  const isAnswered = message.matchtag !== 0;
  if (!isAnswered) message.flags |= Flag.noresponse;
  try {
    log.append(line);
  } catch (error) {
    if (isAnswered || !isErrno(error, "EPROTO")) throw error;
    log.log("notice", line, "unknown");
  }
}

function dmesg(log: LogService, request: Request, backlog: (id: string) => number): AsyncIterable<never> {
  request.requireStreaming();
  const { payload } = request;
  const isLocal = request.message.routes.length === 1;
  const follower = log.follow({
    send: (line) => request.respond(encodeText(line)),
    backlog: () => isLocal ? backlog(request.sender) : 0,
    skipped: (count) => log.own("warning", `${count} lines were skipped: this reader is too slow`, "log"),
  }, {
    follow: booleanField(payload, "follow", false),
    nobacklog: booleanField(payload, "nobacklog", false),
    clear: booleanField(payload, "clear", false),
  });
  request.signal.addEventListener("abort", () => follower.stop(), { once: true });
  return until(follower.done);
}
