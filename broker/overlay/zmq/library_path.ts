import { FluxError } from "../../message/mod.ts";
import { isFile } from "../../ports/mod.ts";

/** npm:zeromq's prebuilt addon exports the whole C API of libzmq 4.3.5; its own JavaScript is not used. */
const ADDON = "node_modules/zeromq/build/linux";

/**
 * Where libzmq is: `FLUX_LIBZMQ`; else `libzmq.node` beside the program, where the packed executable has it; else, in
 * development, the addon in node_modules. Throws ENOENT when none is there.
 */
export function libraryPath(): string {
  const given = Deno.env.get("FLUX_LIBZMQ");
  if (given) return given;
  const here = import.meta.dirname ?? "";
  const arch = Deno.build.arch === "aarch64" ? "arm64" : "x64";
  const beside = `${here}/libzmq.node`;
  const development = `${here}/../../../${ADDON}/${arch}/node/glibc-127-Release/addon.node`;
  for (const path of [beside, development]) if (isFile(path)) return path;
  throw new FluxError("ENOENT", `libzmq is not beside the program (${beside}); FLUX_LIBZMQ can name it`);
}
