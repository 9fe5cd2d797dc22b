import {
  type Channel,
  type ChannelEvents,
  encodeAnswers,
  encodeTaskNews,
  Handle,
} from "../../../../broker/handle/mod.ts";
import { errnum, FluxError, Idset, Message, MessageType } from "../../../../broker/message/mod.ts";
import { CommandError } from "../../../../commands/command.ts";
import { Execution } from "../../../../commands/exec/execution.ts";
import { Printer } from "../../../../commands/exec/printer.ts";
import { assert, assertEquals } from "../../../assert.ts";

const SIGKILL = 9;

/** A broker that goes as soon as it has answered a request with these payloads, as one that was read from late seems to do. */
function going(...answers: Uint8Array[]): Channel {
  let events: ChannelEvents;
  return {
    open: (given) => void (events = given),
    send({ topic, matchtag }) {
      queueMicrotask(() => {
        for (const payload of answers) {
          events.message(new Message({ type: MessageType.response, topic, aux2: matchtag, payload }));
        }
        events.closed(new FluxError("ECONNRESET"));
      });
    },
    close() {},
  };
}

async function statusOf(channel: Channel): Promise<number> {
  const handle = new Handle(channel, { rank: 0 });
  const printer = new Printer({ label: false, json: false, printError: () => undefined });
  const execution = new Execution({
    handle,
    ranks: new Idset([2]),
    argv: ["true"],
    cwd: "/",
    env: {},
    printer,
    warn() {},
    verbose: false,
  });
  const running = execution.run();
  for (;;) {
    const { done, value } = await running.next();
    if (done) return value;
  }
}

Deno.test("an execution has the status that came last before the connection was lost", async () => {
  const ranks = new Idset([2]);
  const finished = encodeTaskNews([{ type: "finished", status: SIGKILL }]);
  const said = encodeAnswers([{ ranks, errnum: 0, payload: finished }]);
  const over = encodeAnswers([{ ranks, errnum: errnum("ENODATA"), payload: undefined }]);
  assertEquals(await statusOf(going(said, over)), 128 + SIGKILL);
});

Deno.test("an execution whose tasks may still run says that the connection was lost", async () => {
  const error = await statusOf(going()).catch((error) => error);
  assert(error instanceof CommandError, `${error}`);
  assertEquals(error.message, "lost connection to the broker");
});
