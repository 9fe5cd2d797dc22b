/** `flux wreck`: jobs that are there, running or not (cli.md §4.23). */

import { command } from "./mod.ts";
import { attach } from "./wreck/attach.ts";
import { help } from "./wreck/help.ts";
import { kill } from "./wreck/kill.ts";
import { lastJobid } from "./wreck/last_jobid.ts";
import { ls } from "./wreck/ls.ts";
import { status } from "./wreck/status.ts";

export default command({
  name: "wreck",
  title: "flux-wreck",
  prog: "wreck",
  summary: "Show, follow and end parallel programs",
  usage: ["COMMAND [OPTIONS]..."],
  options: {},
  subcommands: { attach, kill, status, ls, "last-jobid": lastJobid, help },
  unknownSubcommand: (name) => `Error: Unknown command: ${name}`,
});
