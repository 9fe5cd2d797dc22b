/**
 * A denort from the npm registry, for networks that reach nothing else. The package named in scripts/versions holds an
 * executable that `deno compile` made: its ELF image, up to the end of its section header table, is the denort it was
 * made from; the program follows behind. That denort is of an older Deno than the pinned one and starts slower, so it
 * serves to prove that the `deno compile` form of the executable works, not to ship it.
 */

import { sha256, writeWhole } from "./pack/bytes.ts";
import { exists } from "./pack/exists.ts";
import { fetchFile } from "./pack/npm.ts";
import { store } from "./pack/runtime.ts";
import { pin } from "./pack/versions.ts";

/** How many bytes of an ELF file are its image: all up to the end of the section header table. Throws for no ELF-64. */
export function elfLength(file: Uint8Array): number {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < 64 || view.getUint32(0) !== 0x7f454c46 || file[4] !== 2 || file[5] !== 1) {
    throw new Error("not a little-endian 64-bit ELF file");
  }
  return Number(view.getBigUint64(0x28, true)) + view.getUint16(0x3a, true) * view.getUint16(0x3c, true);
}

/** The processor an ELF file is for, as its header names it: 62 is x86-64, 183 is aarch64. */
export function elfMachine(file: Uint8Array): number {
  elfLength(file);
  return new DataView(file.buffer, file.byteOffset).getUint16(0x12, true);
}

/** A denort and the Deno of the same version, which compiles with it. */
export interface Compiler {
  readonly denort: string;
  readonly deno: string;
}

/** Both, for linux-x64, out of the store or fetched into it. Throws an Error that says what cannot be had. */
export async function denortFromNpm(): Promise<Compiler> {
  const version = pin("DENORT_DENO_VERSION");
  const directory = `${store}/denort-${version}`;
  const found = { denort: `${directory}/denort`, deno: `${directory}/deno` };
  if (await exists(found.denort) && await exists(found.deno)) return found;
  const [name, donorVersion] = pin("DENORT_DONOR").split(/@(?=[^@]*$)/) as [string, string];
  const donor = await fetchFile({
    package: name,
    version: donorVersion,
    path: pin("DENORT_DONOR_PATH"),
    sha256: pin("DENORT_DONOR_SHA256"),
  });
  const denort = donor.slice(0, elfLength(donor));
  if (await sha256(denort) !== pin("DENORT_SHA256")) throw new Error(`${name} does not hold the pinned denort`);
  const deno = await fetchFile({
    package: pin("DENO_PACKAGE_x64"),
    version,
    path: "deno",
    sha256: pin("DENORT_DENO_SHA256"),
  });
  await Deno.mkdir(directory, { recursive: true });
  await writeWhole(found.denort, denort, 0o755);
  await writeWhole(found.deno, deno, 0o755);
  return found;
}

if (import.meta.main) {
  const { denort, deno } = await denortFromNpm();
  console.log(`DENORT_BIN=${denort} scripts/deno task compile --format compile --deno ${deno}`);
}
