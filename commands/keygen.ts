/** `flux keygen`: CURVE keys for links beyond one session (cli.md §4.1). */

import { command, CommandError, UsageError } from "./mod.ts";

const PRIVATE = 0o600, DIRECTORY = 0o700;
const ROLES = ["client", "server"] as const;

export default command({
  name: "keygen",
  summary: "Make keys for secure links between brokers",
  usage: ["[OPTIONS]"],
  options: {
    force: { short: "f", type: "flag", help: "Replace keys that are there" },
    curve: { short: "c", type: "flag", help: "Make CURVE keys, which is what it does anyway" },
    plain: { short: "p", type: "flag", help: "Not supported: passwords are made for each session" },
    secdir: {
      type: "string",
      arg: "DIR",
      help: "Keep the keys in DIR/curve (FLUX_SEC_DIRECTORY)",
      complete: "directory",
    },
  },
  async *run({ opts, args }) {
    if (args.length > 0) throw new UsageError("keygen accepts no arguments");
    if (opts.plain) {
      throw new CommandError("passwords (--plain) are not supported", {
        hint: "flux start --security plain needs none: passwords are made for each session",
      });
    }
    const base = opts.secdir ?? Deno.env.get("FLUX_SEC_DIRECTORY");
    if (!base) throw new CommandError("FLUX_SEC_DIRECTORY is not set", { hint: "set HOME, or give --secdir DIR" });
    const directory = `${base.replace(/(?<=.)\/+$/, "")}/curve`;
    ownDirectory(base);
    ownDirectory(directory);
    const paths = ROLES.flatMap((role) => [`${directory}/${role}`, `${directory}/${role}_private`]);
    const taken = paths.find(exists);
    if (taken !== undefined && !opts.force) throw new CommandError(`${taken} exists, try --force`);
    const [{ certificateFiles, makeKeyPair }, { systemClock, systemRandom }] = await Promise.all([
      import("../broker/boot/certificate.ts"),
      import("../broker/ports/mod.ts"),
    ]);
    const time = new Date(systemClock.wall()).toISOString().slice(0, 19).replace("T", " ");
    for (const role of ROLES) {
      const files = certificateFiles(makeKeyPair(systemRandom), { role, time }, time);
      yield save(`${directory}/${role}`, files.public);
      yield save(`${directory}/${role}_private`, files.secret);
      replace(`${directory}/${role}_secret`, (path) => Deno.symlinkSync(`${role}_private`, path));
    }
  },
  human: ({ saved }) => `Saving ${saved}`,
});

/** Makes the directory, or checks that it is ours alone. */
function ownDirectory(path: string): void {
  try {
    Deno.mkdirSync(path, { mode: DIRECTORY });
    return;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new CommandError(`${path}: the directory above it does not exist`);
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  const { isDirectory, mode, uid } = Deno.statSync(path);
  if (!isDirectory) throw new CommandError(`${path}: Not a directory`);
  if (uid !== Deno.uid()) throw new CommandError(`${path}: owner should be you`);
  if (((mode ?? 0) & 0o777) !== DIRECTORY) {
    throw new CommandError(`${path}: mode should be 0700`, { hint: `chmod 700 ${path}` });
  }
}

/** Nobody ever sees half a file, nor a secret that others may read. */
function save(path: string, text: string): { saved: string } {
  replace(path, (fresh) => Deno.writeTextFileSync(fresh, text, { mode: PRIVATE, createNew: true }));
  return { saved: path };
}

function replace(path: string, make: (fresh: string) => void): void {
  const fresh = `${path}.new`;
  if (exists(fresh)) Deno.removeSync(fresh);
  make(fresh);
  Deno.renameSync(fresh, path);
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
