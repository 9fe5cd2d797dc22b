/** `flux event sub`. */

import { type Event, Queue } from "../broker/handle/mod.ts";
import { decodeText, encode, type Json, type Message } from "../broker/message/mod.ts";
import { command, CommandError } from "./mod.ts";

export const sub = command({
  name: "sub",
  summary: "Print events as they are published",
  usage: ["[OPTIONS] [TOPIC...]"],
  signal: true,
  options: {
    count: { short: "c", type: "integer", arg: "N", min: 1, help: "Stop after N events" },
    raw: { short: "r", type: "flag", help: "Print whole messages, as 'flux snoop' does" },
  },
  async *run({ opts, args, connect, signal, json }) {
    const handle = await connect();
    const prefixes = args.length > 0 ? [...new Set(args)] : [""];
    using events = new Queue<Event>();
    signal.addEventListener("abort", () => events.fail(signal.reason), { once: true });
    handle.closed.then((error) => events.fail(new CommandError("lost connection", { cause: error })));
    let last = 0;
    const listening = await Promise.all(prefixes.map((prefix) =>
      handle.listen(prefix, (event) => {
        // One that several of the prefixes begin comes once from the broker, and once to each of them.
        if (event.sequence !== last) events.push(event);
        last = event.sequence;
      }, { from: "anyone" })
    ));
    const show = json ? eventRecord : opts.raw ? await dumper() : eventLine;
    let left = opts.count ?? Infinity;
    for await (const event of events) {
      yield show(event);
      if (--left === 0) break;
    }
    for (const one of listening) one[Symbol.dispose]();
  },
  human: (line) => line as string,
});

/** The topic, a tab, and the payload's text as it was sent. */
function eventLine({ topic, message }: Event): string {
  return `${topic}\t${text(message) ?? new TextDecoder().decode(message.payload)}`;
}

function eventRecord({ topic, sequence, message }: Event): object {
  const whole = text(message);
  const payload = whole === undefined ? message.payload!.toHex() : whole === "" ? null : parse(whole);
  return { topic, sequence, payload, ...(whole === undefined && { raw: true }) };
}

async function dumper(): Promise<(event: Event) => string> {
  const { dumpMessage } = await import("./render/message_dump.ts");
  return ({ message }) => dumpMessage(message, encode(message), true);
}

/** The text of a payload that is one; "" for none. */
function text({ payload }: Message): string | undefined {
  if (!payload) return "";
  try {
    return decodeText(payload);
  } catch {
    return undefined;
  }
}

function parse(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
