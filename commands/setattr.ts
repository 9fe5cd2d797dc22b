/** `flux setattr`: changes, creates or removes a broker attribute (cli.md §4.15). */

import { FluxError, isErrno } from "../broker/message/errno.ts";
import { command, CommandError, UsageError } from "./mod.ts";

export default command({
  name: "setattr",
  summary: "Set or remove a broker attribute",
  usage: ["NAME VALUE", "--expunge NAME"],
  prog: "flux",
  options: { expunge: { short: "e", type: "flag", help: "Remove the attribute" } },
  complete: "attr",
  async run({ opts, args, connect }) {
    if (args.length !== (opts.expunge ? 1 : 2)) {
      throw new UsageError(opts.expunge ? "setattr --expunge needs one name" : "setattr needs a name and a value");
    }
    const [name = "", value] = args;
    const handle = await connect();
    try {
      await handle.rpc("cmb.attrset", opts.expunge ? { name } : { name, value });
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
      if (isErrno(error, "ENOENT") && opts.expunge) {
        const { noSuchAttribute } = await import("./attribute_error.ts");
        throw await noSuchAttribute(handle, name, error);
      }
      throw new CommandError(`${name}: ${error.message}`, { cause: error });
    }
  },
});
