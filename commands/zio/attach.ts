/** `flux zio attach`: the streams of a program that runs elsewhere, or ran. */

import { openKvs } from "../kvs/access.ts";
import { command, UsageError } from "../mod.ts";
import { taskInput } from "../task_input.ts";
import { Attachment } from "./attachment.ts";

export const attach = command({
  name: "attach",
  summary: "Attach to a program that 'flux zio run' runs",
  usage: ["[OPTIONS] NAME"],
  signal: true,
  complete: "key",
  options: { noinput: { short: "n", type: "flag", help: "Do not read standard input" } },
  async *run(context): AsyncGenerator<Uint8Array, number> {
    const { args: [word, extra], opts, connect, printError, warn, onSignal } = context;
    const key = word ?? (opts as { key?: string }).key;
    if (key === undefined || extra !== undefined) throw new UsageError("attach: specify one NAME");
    const kvs = await openKvs({ connect, opts: { namespace: undefined } });
    const handle = await connect();
    const attachment = new Attachment({
      handle,
      kvs,
      key,
      terminal: context.terminal(),
      ...!opts.noinput && { read: taskInput(context) },
      printError,
      warn,
    });
    onSignal((signal) => attachment.signal(signal));
    return yield* attachment.run();
  },
});
