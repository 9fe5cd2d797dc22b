/** `flux lsattr`: the names, and with `-v` the values, of all broker attributes (cli.md §4.15). */

import { isErrno } from "../broker/message/errno.ts";
import type { Handle } from "../broker/handle/mod.ts";
import { command, UsageError } from "./mod.ts";

const NAME_WIDTH = 40;

interface Line {
  readonly name: string;
  /** Null for an attribute without a value. */
  readonly value?: string | null;
}

export default command({
  name: "lsattr",
  summary: "List broker attributes",
  usage: ["[OPTIONS]"],
  prog: "flux",
  json: "array",
  options: { values: { short: "v", type: "flag", help: "Print values beside the names" } },
  async *run({ opts, args, json, connect }): AsyncGenerator<Line> {
    if (args.length > 0) throw new UsageError("lsattr accepts no arguments");
    const handle = await connect();
    const { names } = await handle.rpc<{ names: string[] }>("attr.list");
    names.sort();
    if (!opts.values && !json) return yield* names.map((name) => ({ name }));
    const values = names.map((name) => valueOf(handle, name));
    for (const [i, name] of names.entries()) yield { name, value: await values[i]! };
  },
  human: ({ name, value }, { values }) => values ? `${name.padEnd(NAME_WIDTH)}${value ?? "-"}` : name,
});

async function valueOf(handle: Handle, name: string): Promise<string | null> {
  try {
    return (await handle.rpc<{ value: string }>("attr.get", { name })).value;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return null;
    throw error;
  }
}
