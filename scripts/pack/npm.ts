/** Single files out of npm packages, fetched with whatever is there: npm, else the Deno that runs this. */

import { sha256 } from "./bytes.ts";

/** `package@version` and where in it the wanted file lies, pinned by its SHA-256. */
export interface PinnedFile {
  readonly package: string;
  readonly version: string;
  readonly path: string;
  readonly sha256: string;
}

async function run(command: string, args: string[], options: Deno.CommandOptions = {}): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args, ...options }).output();
  if (!success) throw new Error(lastLines(new TextDecoder().decode(stderr)) || `${command} failed`);
  return new TextDecoder().decode(stdout);
}

/** What a package manager says last is noise; what it says of the error is short. */
function lastLines(text: string): string {
  // deno-lint-ignore no-control-regex
  const lines = text.replace(/\x1b\[[0-9;]*m/g, "").split("\n").filter((line) => /error/i.test(line));
  return (lines[1] ?? lines[0] ?? "").replace(/^npm error\s*/, "").trim();
}

async function haveNpm(): Promise<boolean> {
  try {
    return (await new Deno.Command("npm", { args: ["--version"], stdout: "null", stderr: "null" }).output()).success;
  } catch {
    return false;
  }
}

/** The file's bytes. Throws an Error that names the package when it cannot be had or is not the pinned one. */
export async function fetchFile(file: PinnedFile): Promise<Uint8Array<ArrayBuffer>> {
  const work = await Deno.makeTempDir({ prefix: "flux-fetch-" });
  const name = `${file.package}@${file.version}`;
  try {
    let directory: string;
    if (await haveNpm()) {
      const tarball = (await run("npm", ["pack", name, "--silent", "--pack-destination", work])).trim().split("\n").at(
        -1,
      )!;
      await run("tar", ["-xzf", `${work}/${tarball}`, "-C", work]);
      directory = `${work}/package`;
    } else {
      await run(Deno.execPath(), ["cache", "--no-config", "--no-lock", "--node-modules-dir=none", `npm:${name}`], {
        env: { DENO_DIR: work, DENO_TLS_CA_STORE: "mozilla,system" },
      });
      directory = (await run("find", [work, "-type", "d", "-path", `*/${file.package}/${file.version}`])).trim();
    }
    const data = await Deno.readFile(`${directory}/${file.path}`);
    if (await sha256(data) !== file.sha256) throw new Error(`${file.path} is not the pinned file (SHA-256 differs)`);
    return data;
  } catch (error) {
    throw new Error(`cannot fetch ${name} from npm: ${error instanceof Error ? error.message : error}`);
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}
