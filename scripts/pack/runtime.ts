/** The binaries the executable carries beside the program: Deno, and addons out of packages: libzmq, terminals. */

import { exists } from "./exists.ts";
import { fetchFile } from "./npm.ts";
import { gzip, sha256, writeWhole } from "./bytes.ts";
import { architecture, pin, type Target, thisMachine } from "./versions.ts";
import { tarEntry } from "./tar.ts";

const root = new URL("../../", import.meta.url).pathname;
/** Where downloads and compressed binaries of this checkout are kept. */
export const store = `${root}.deno`;

/** The pinned Deno binary of a target: the one that runs this if it is that, else fetched. */
async function denoBinary(target: Target): Promise<Uint8Array<ArrayBuffer>> {
  const arch = architecture(target);
  const pinned = pin(`DENO_SHA256_${arch}`);
  if (target === thisMachine()) {
    const own = await Deno.readFile(Deno.execPath());
    if (await sha256(own) === pinned) return own;
  }
  const version = pin(arch === "arm64" ? "DENO_VERSION_arm64" : "DENO_VERSION");
  console.error(`fetching Deno ${version} for ${target}`);
  return await fetchFile({ package: pin(`DENO_PACKAGE_${arch}`), version, path: "deno", sha256: pinned });
}

export interface Runtime {
  /** Names this binary among all others. */
  readonly id: string;
  /** The binary as a gzip'd archive entry named `flux`. */
  readonly data: Uint8Array;
  /** How many bytes the entry has unpacked. */
  readonly size: number;
}

/** The runtime of a target, packed; kept in the store, since fetching and compressing take seconds. */
export async function packedRuntime(target: Target): Promise<Runtime> {
  const id = pin(`DENO_SHA256_${architecture(target)}`).slice(0, 16);
  const path = `${store}/runtime-${id}.tar.gz`;
  if (!await exists(path)) {
    const data = await denoBinary(target);
    await Deno.mkdir(store, { recursive: true });
    await writeWhole(path, await gzip(tarEntry({ name: "flux", data, executable: true })), 0o644);
  }
  const data = await Deno.readFile(path);
  return { id, data, size: new DataView(data.buffer).getUint32(data.length - 4, true) };
}

/** The addon of a target that makes terminals: of the installed package, or fetched for another machine. */
export async function ptyAddon(target: Target): Promise<Uint8Array<ArrayBuffer>> {
  const name = `@lydell/node-pty-${target}`;
  const installed = `${root}node_modules/.deno/node_modules/${name}/pty.node`;
  if (await exists(installed)) return await Deno.readFile(installed);
  const sha256 = pin(`PTY_SHA256_${architecture(target)}`);
  const kept = `${store}/pty-${sha256.slice(0, 16)}.node`;
  if (!await exists(kept)) {
    await Deno.mkdir(store, { recursive: true });
    const file = { package: name, version: pin("PTY_VERSION"), path: "pty.node", sha256 };
    await writeWhole(kept, await fetchFile(file), 0o644);
  }
  return await Deno.readFile(kept);
}

/** libzmq of a target: the addon of the zeromq package, which exports the whole C interface. */
export async function libzmq(target: Target): Promise<Uint8Array<ArrayBuffer>> {
  const path = `${root}node_modules/zeromq/build/linux/${architecture(target)}/node/glibc-127-Release/addon.node`;
  return await Deno.readFile(path);
}
