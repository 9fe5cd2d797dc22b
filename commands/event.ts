/** `flux event pub` and `flux event sub`: publishing and watching events (cli.md §4.8). */

import { command } from "./mod.ts";
import { pub } from "./event_pub.ts";
import { sub } from "./event_sub.ts";

export default command({
  name: "event",
  summary: "Publish events, or print those that are published",
  usage: ["SUBCOMMAND ARGS"],
  options: {},
  subcommands: { pub, sub },
});
