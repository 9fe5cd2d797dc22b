/** `flux kvs restore`: what a tar archive has, written into the store. */

import { TRANSACTION_LIMIT } from "../../modules/kvs/client.ts";
import { command, CommandError, UsageError } from "../mod.ts";
import { openKvs } from "./access.ts";
import { NAMESPACE } from "./options.ts";

export const restore = command({
  name: "restore",
  summary: "Write what is in a tar archive into the store",
  usage: ["[OPTIONS] FILE|- [KEY]"],
  signal: true,
  options: NAMESPACE,
  async run({ opts, args, connect, signal }) {
    const [file, key = ".", extra] = args;
    if (file === undefined || extra !== undefined) {
      throw new UsageError("restore: specify a file, and a directory or none");
    }
    const kvs = await openKvs({ connect, opts });
    const { checkArchive, Restoration } = await import("./restore_archive.ts");
    const { fileError } = await import("./file.ts");
    const { TarError } = await import("./tar.ts");
    // Base64 and the rest of the request have to fit too.
    const limit = Math.floor(TRANSACTION_LIMIT * 0.7);
    const restoration = new Restoration(kvs, key, { limit, signal });
    try {
      if (file !== "-" && (await Deno.stat(file)).isFile) await checkArchive((await Deno.open(file)).readable, limit);
      await restoration.run(file === "-" ? Deno.stdin.readable : (await Deno.open(file)).readable);
    } catch (error) {
      const cause = error instanceof TarError ? new CommandError(`${file}: ${error.message}`) : fileError(file, error);
      if (!(cause instanceof CommandError) || restoration.restored === 0) throw cause;
      throw new CommandError(cause.message, {
        cause: cause.cause,
        hint: `${restoration.restored} keys before that were restored`,
      });
    }
  },
});
