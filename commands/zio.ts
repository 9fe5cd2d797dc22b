/** `flux zio`: streams in the key-value store, and programs whose streams are there (cli.md §4.14). */

import { command, UsageError } from "./mod.ts";
import { attach } from "./zio/attach.ts";
import { copy } from "./zio/copy.ts";
import { OPTIONS } from "./zio/options.ts";
import { run } from "./zio/run.ts";

const FORMS = ["run", "attach", "copy"] as const;

export default command({
  name: "zio",
  summary: "Run programs with their streams in the key-value store, and attach to them",
  usage: ["[OPTIONS] run COMMAND [ARGS...]", "[OPTIONS] attach NAME", "[OPTIONS] copy FROM TO"],
  options: OPTIONS,
  subcommands: { run, attach, copy },
  implied(opts) {
    const asked = FORMS.filter((form) => opts[form]);
    if (asked.length > 1) throw new UsageError(`--${asked[0]} and --${asked[1]} do not go together`);
    return asked[0];
  },
});
