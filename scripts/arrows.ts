/**
 * Checks that imports point one way (`deno task arrows`):
 *
 *     message ← ports ← handle ← modules, commands
 *     overlay, service, boot → message, ports, handle        broker.ts → all of broker/, modules/
 *     pmi → message, handle         boot, modules, commands → pmi
 *     a module → the client.ts and protocol.ts of another, which are its public face
 *
 * and that neither files nor rooms import each other in a circle. A room is a folder below; what lies deeper belongs to
 * the room around it. tests/ and scripts/ may import anything.
 */

/** What each room may import besides itself. `modules/*` stands for one room a module. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  "broker/message": [],
  "broker/ports": ["broker/message"],
  "broker/router": ["broker/message", "broker/ports", "broker/handle"],
  "broker/handle": ["broker/message", "broker/ports"],
  "broker/overlay": ["broker/message", "broker/ports", "broker/handle", "broker/router"],
  "broker/service": ["broker/message", "broker/ports", "broker/handle", "broker/router"],
  "broker/pmi": ["broker/message", "broker/handle"],
  "broker/boot": ["broker/message", "broker/ports", "broker/handle", "broker/pmi"],
  "broker/lua": ["broker/message", "broker/ports", "broker/handle"],
  "modules/*": ["broker/message", "broker/ports", "broker/handle", "broker/pmi"],
  "modules": ["broker/message", "broker/ports", "broker/handle", "modules/*"],
  "broker": ["broker/*", "modules"],
  "commands": ["broker/message", "broker/ports", "broker/handle", "broker/pmi", "modules", "modules/*"],
  "main.ts": ["commands"],
};

/** What a room may name the types of, though it may not import it: a service is handed the parts of its broker. */
const TYPES: Readonly<Record<string, readonly string[]>> = {
  "broker/service": ["broker/overlay"],
};

/** What a module shows to others: its words on the wire, and its client. */
const FACE = /^modules\/[^/]+\/(client|protocol)\.ts$/;

/** The files that may load, at run time, what their room may not import. */
const LAZY: readonly string[] = ["commands/start_launch.ts", "commands/broker.ts", "commands/keygen.ts"];

/** One import; paths are relative to the checkout. */
export interface Import {
  readonly from: string;
  readonly to: string;
  /** "type" is gone at run time, "lazy" is an `import()`. */
  readonly kind: "static" | "type" | "lazy";
}

/** The room of a file, undefined for one in none. */
export function room(path: string): string | undefined {
  const [top, second, third] = path.split("/");
  if (path === "main.ts") return "main.ts";
  if (top === "modules") return third === undefined ? "modules" : `modules/${second}`;
  if (top === "commands") return "commands";
  if (top !== "broker") return undefined;
  return third === undefined ? "broker" : `broker/${second}`;
}

function allowed(from: string, to: string): boolean {
  if (from === to) return true;
  const matches = (pattern: string) => pattern.endsWith("/*") ? to.startsWith(pattern.slice(0, -1)) : to === pattern;
  return (ROOMS[from] ?? ROOMS[from.replace(/\/.*/, "/*")])?.some(matches) ?? false;
}

/** One sentence for each import that is wrong, and for each circle; none when all is well. */
export function faults(imports: readonly Import[]): string[] {
  const found: string[] = [];
  for (const { from, to, kind } of imports) {
    const [source, target] = [room(from), room(to)];
    if (source === undefined) continue;
    if (target === undefined) found.push(`${from} imports ${to}, which is not part of the program`);
    else if (!(source in ROOMS || source.startsWith("modules/"))) found.push(`${from}: ${source} is no known room`);
    else if (!allowed(source, target)) {
      if (kind === "lazy" && LAZY.includes(from)) continue;
      if (source.startsWith("modules/") && FACE.test(to)) continue;
      if (kind === "type" && TYPES[source]?.includes(target)) continue;
      found.push(`${from} imports ${to}: ${source} may not import ${target}`);
    }
  }
  const fixed = imports.filter((edge) => edge.kind !== "lazy" && room(edge.from) !== undefined);
  // Within a room two files may name each other's types, which are gone at run time; between rooms that counts.
  const files = circle(fixed.filter((edge) => edge.kind === "static").map((edge) => [edge.from, edge.to] as const));
  if (files) found.push(`circular import: ${files.join(" → ")}`);
  const rooms = circle(
    fixed.map((edge) => [room(edge.from)!, room(edge.to) ?? ""] as const).filter(([a, b]) => a !== b),
  );
  if (rooms) found.push(`circular import of rooms: ${rooms.join(" → ")}`);
  return found;
}

/** A circle in a directed graph as a list whose ends are the same, undefined if there is none. */
export function circle(edges: readonly (readonly [string, string])[]): string[] | undefined {
  const targets = Map.groupBy(edges, ([from]) => from);
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (node: string): string[] | undefined => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node)) return undefined;
    path.push(node);
    for (const [, to] of targets.get(node) ?? []) {
      const found = visit(to);
      if (found) return found;
    }
    path.pop();
    done.add(node);
    return undefined;
  };
  for (const node of targets.keys()) {
    const found = visit(node);
    if (found) return found;
  }
  return undefined;
}

interface Graph {
  readonly modules: readonly {
    readonly specifier: string;
    readonly error?: string;
    readonly dependencies?: readonly {
      readonly code?: { readonly specifier?: string };
      readonly type?: { readonly specifier?: string };
      readonly isDynamic?: boolean;
    }[];
  }[];
}

/** The imports that Deno sees in every source file of the checkout, types included. */
async function readImports(root: string): Promise<Import[]> {
  const files = (await Array.fromAsync(sources(root, ["main.ts", "broker", "modules", "commands"]))).sort();
  const entry = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(entry, files.map((path) => `import "file://${root}${path}";\n`).join(""));
    const { stdout, success } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "--config", `${root}deno.json`, entry],
      stderr: "inherit",
    }).output();
    if (!success) throw new Error("deno info failed");
    const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as Graph;
    const inside = `file://${root}`;
    return modules.filter((module) => module.specifier.startsWith(inside)).flatMap((module) =>
      (module.dependencies ?? []).flatMap(({ code, type, isDynamic }) => {
        const to = code?.specifier ?? type?.specifier ?? "";
        if (!to.startsWith(inside) || !to.endsWith(".ts") || to.includes("/node_modules/")) return [];
        const kind = isDynamic ? "lazy" : code ? "static" : "type";
        return [{ from: module.specifier.slice(inside.length), to: to.slice(inside.length), kind }];
      })
    );
  } finally {
    await Deno.remove(entry);
  }
}

async function* sources(root: string, paths: readonly string[]): AsyncGenerator<string> {
  for (const path of paths) {
    if (path.endsWith(".ts")) yield path;
    else if (path.includes(".")) continue;
    else yield* sources(root, [...Deno.readDirSync(root + path)].map((entry) => `${path}/${entry.name}`));
  }
}

if (import.meta.main) {
  const imports = await readImports(new URL("../", import.meta.url).pathname);
  const found = faults(imports);
  for (const fault of found) console.error(`arrows: ${fault}`);
  if (found.length > 0) Deno.exit(1);
  console.error(`arrows: ${imports.length} imports point the right way`);
}
