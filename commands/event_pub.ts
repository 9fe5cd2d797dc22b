/** `flux event pub`. */

import { type Handle, Queue } from "../broker/handle/mod.ts";
import { encodeText, Flag, type FluxError } from "../broker/message/mod.ts";
import { command, CommandError, UsageError } from "./mod.ts";

export const pub = command({
  name: "pub",
  summary: "Publish an event",
  usage: ["[OPTIONS] TOPIC [JSON...]"],
  signal: true,
  options: {
    loopback: { short: "l", type: "flag", help: "Wait until the event comes back" },
    private: { short: "p", type: "flag", help: "For the sender and the session's owner only" },
    raw: { short: "r", type: "flag", help: "Send the words as they are, without the final NUL of a JSON payload" },
    synchronous: { short: "s", type: "flag", help: "Wait until the event has its number" },
  },
  async run({ opts, args, connect, signal }) {
    const [topic, ...words] = args;
    if (!topic) throw new UsageError(topic === "" ? "the topic is empty" : "a topic is required");
    const payload = readPayload(words.join(" "), opts.raw);
    const handle = await connect();
    const publish = async () => {
      if (!opts.synchronous) return handle.publish(topic, payload, { private: opts.private });
      const flags = opts.private ? Flag.private : 0;
      const event = { topic, flags, ...(payload && { payload: payload.toBase64() }) };
      await handle.rpc("event.publish", event, { rank: 0, signal });
    };
    if (opts.loopback) await untilBack(handle, topic, payload, publish, signal);
    else await publish();
  },
});

/** The payload that words stand for; undefined for none. */
function readPayload(text: string, raw: boolean): Uint8Array | undefined {
  if (text === "") return undefined;
  if (raw) return new TextEncoder().encode(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw parseError(error instanceof Error ? error.message : String(error));
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw parseError("the payload of an event is an object");
  }
  return encodeText(text);
}

function parseError(reason: string): CommandError {
  return new CommandError(`json parse error: ${reason}`, { hint: "use --raw to send text that is not a JSON object" });
}

async function untilBack(
  handle: Handle,
  topic: string,
  payload: Uint8Array | undefined,
  publish: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const expected = payload?.toBase64();
  using back = new Queue<never>();
  signal.addEventListener("abort", () => back.fail(signal.reason), { once: true });
  handle.closed.then((error?: FluxError) => back.fail(error));
  using _listening = await handle.listen(topic, ({ message }) => {
    if (message.topic === topic && message.payload?.toBase64() === expected) back.end();
  }, { from: "anyone" });
  await publish();
  await back.next();
}
