/** What a remote shell is told. Pure. */

import { START_SECRET } from "./key_directory.ts";
import { quote } from "./quote.ts";

/** Of our own broker and machine; a secret is on no command line. */
const OURS = new Set(["FLUX_SELF", "FLUX_URI", "FLUX_SSH", START_SECRET]);

export interface RemoteLine {
  /** Where to run, if that is there. */
  readonly cwd: string;
  /** Ours; what is flux's own goes along. */
  readonly env: Readonly<Record<string, string>>;
  /** More of the environment there. */
  readonly more: Readonly<Record<string, string>>;
  readonly words: readonly string[];
}

/** The command line that runs `words` on another host. The user's shell there may be any; what it is told is for the plain one. */
export function remoteLine({ cwd, env, more, words }: RemoteLine): string {
  const told = Object.entries(env).filter(([name]) => name.startsWith("FLUX_") && !OURS.has(name));
  const settings = Object.entries({ ...Object.fromEntries(told), ...more })
    .map(([name, value]) => `${name}=${quote(value)}`);
  const script = `cd ${quote(cwd)} 2>/dev/null; exec env ${[...settings, ...words.map(quote)].join(" ")}`;
  return `exec /bin/sh -c ${quote(script)}`;
}
