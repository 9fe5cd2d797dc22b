/** `flux getattr`: prints the value of a broker attribute (cli.md §4.15). */

import { isErrno } from "../broker/message/errno.ts";
import { command, UsageError } from "./mod.ts";

export default command({
  name: "getattr",
  summary: "Print the value of a broker attribute",
  usage: ["[OPTIONS] NAME"],
  prog: "flux",
  options: {},
  complete: "attr",
  async *run({ args, connect }) {
    const [name, extra] = args;
    if (name === undefined || extra !== undefined) throw new UsageError("getattr needs the name of one attribute");
    const handle = await connect();
    try {
      const { value } = await handle.rpc<{ value: string }>("attr.get", { name });
      yield { name, value };
    } catch (error) {
      if (!isErrno(error, "ENOENT")) throw error;
      const { noSuchAttribute } = await import("./attribute_error.ts");
      throw await noSuchAttribute(handle, name, error);
    }
  },
  human: ({ value }) => value,
});
