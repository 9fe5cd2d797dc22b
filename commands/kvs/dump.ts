/** `flux kvs dump`: one version of the store, or of a directory in it, as a tar archive. */

import { systemClock } from "../../broker/ports/system_clock.ts";
import { command, UsageError } from "../mod.ts";
import { about, namespaceOf, openKvs, readAt } from "./access.ts";
import { AT } from "./options.ts";
import { pinned } from "./listing.ts";

export const dump = command({
  name: "dump",
  summary: "Write the store, or a directory of it, to a tar archive",
  usage: ["[OPTIONS] FILE|- [KEY]"],
  signal: true,
  options: AT,
  async *run({ opts, args, connect, signal }): AsyncGenerator<Uint8Array, void> {
    const [file, key = ".", extra] = args;
    if (file === undefined || extra !== undefined) {
      throw new UsageError("dump: specify a file, and a directory or none");
    }
    const kvs = await openKvs({ connect, opts });
    const at = await about(key, pinned(kvs, readAt(opts.at, signal)));
    const { dumpArchive, intoFile } = await import("./dump_archive.ts");
    const archive = dumpArchive(kvs, key, at, {
      note: `${namespaceOf(opts)} ${at.rootref}`,
      time: systemClock.wall() / 1000,
    });
    if (file === "-") yield* archive;
    else await intoFile(file, archive);
  },
});
