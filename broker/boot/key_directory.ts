/** Finds the certificates of `flux keygen` (cli.md §4.1) and makes sure that nobody else could have read or changed them. */

import { FluxError } from "../message/mod.ts";
import type { Random } from "../ports/mod.ts";
import type { UserKey } from "./user_key.ts";

/** What is looked at of a file. `Deno.FileInfo` is one. */
export interface FileFacts {
  readonly isDirectory: boolean;
  readonly mode: number | null;
  readonly uid: number | null;
}

/**
 * The user's key from the certificates in `directory`/curve; undefined when the user has none. Throws EACCES for files that
 * others may read, or that are somebody else's, ENOENT for one that is missing beside the other, EINVAL for what is no certificate.
 */
export async function readUserKey(directory: string | undefined): Promise<UserKey | undefined> {
  if (!directory) return undefined;
  const curve = `${directory}/curve`;
  if (facts(curve) === undefined) return undefined;
  for (const path of [directory, curve]) checkPrivate(path, facts(path)!, Deno.uid());
  const secret = `${curve}/client_private`;
  const found = facts(secret);
  if (found) checkPrivate(secret, found, Deno.uid());
  const [{ certificateKey }, { UserKey }] = await Promise.all([import("./certificate.ts"), import("./user_key.ts")]);
  const known = `${curve}/server`;
  return new UserKey(certificateKey(read(secret), "secret", secret), certificateKey(read(known), "public", known));
}

/** The secret key that whoever starts the brokers of a session may give them all, in their environment. */
export const START_SECRET = "FLUX_START_SECRET";

/** One for a session. */
export async function makeSessionSecret(random: Random): Promise<string> {
  const { makeKeyPair } = await import("./certificate.ts");
  return makeKeyPair(random).secretKey;
}

/**
 * The key that all ranks of a session have: the one they were given for it, else the user's; undefined when there is neither.
 * Throws as {@link readUserKey} does.
 */
export async function sessionKey(env: Readonly<Record<string, string>>): Promise<UserKey | undefined> {
  const secret = env[START_SECRET];
  if (secret === undefined) return await readUserKey(env.FLUX_SEC_DIRECTORY);
  const [{ keyPairOf }, { UserKey }] = await Promise.all([import("./certificate.ts"), import("./user_key.ts")]);
  return new UserKey(secret, keyPairOf(secret).publicKey);
}

/** The key that all brokers with the secret certificate at `path` have. Throws EACCES, ENOENT and EINVAL as {@link readUserKey} does. */
export async function certifiedKey(path: string): Promise<UserKey> {
  const found = facts(path);
  if (!found) throw new FluxError("ENOENT", `curve_cert ${path}: No such file or directory`);
  checkPrivate(path, found, Deno.uid());
  const [{ certificateKey, keyPairOf }, { UserKey }] = await Promise.all([
    import("./certificate.ts"),
    import("./user_key.ts"),
  ]);
  const secret = certificateKey(read(path), "secret", path);
  return new UserKey(secret, keyPairOf(secret).publicKey);
}

/** Throws EACCES unless what is at `path` is open to the user `uid` alone. */
export function checkPrivate(path: string, { isDirectory, mode, uid }: FileFacts, own: number | null): void {
  if (uid !== own) throw new FluxError("EACCES", `${path}: owner should be you`);
  const wanted = isDirectory ? 0o700 : 0o600;
  // A file may be closed further.
  const isOpen = isDirectory ? ((mode ?? 0) & 0o777) !== wanted : ((mode ?? 0) & 0o077) !== 0;
  if (isOpen) throw new FluxError("EACCES", `${path}: mode should be 0${wanted.toString(8)}`);
}

function facts(path: string): FileFacts | undefined {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new FluxError("EACCES", `${path}: ${error instanceof Error ? error.message : error}`);
  }
}

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new FluxError("ENOENT", `${path} is missing. Have you run \`flux keygen\`?`);
  }
}
