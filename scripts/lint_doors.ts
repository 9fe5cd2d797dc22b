/**
 * The doors' rule: time, timers, chance, processes and foreign functions are reached through broker/ports, so that the
 * same code runs in virtual time. Only the files below, which implement the doors, use them directly.
 */

/** Who may use what is otherwise forbidden, and why. A path that ends in `/` stands for all that is in the folder. */
export const ALLOWED: readonly (readonly [path: string, reason: string])[] = [
  ["broker/ports/", "the system's implementations of the doors"],
  ["broker/overlay/zmq/", "the Transport over libzmq: FFI, and poll() to wait"],
  ["broker/pmi/fd_stream.ts", "reads and writes an inherited descriptor (PMI_FD) through libc"],
  ["broker/boot/terminal.ts", "saves and restores the user's terminal through libc"],
  ["commands/exec_program.ts", "execvp through libc: the command line becomes another program"],
  ["commands/raw_terminal.ts", "takes all processing away from the user's terminal through libc"],
  ["commands/render/pager.ts", "a pager on the user's terminal is no part of a session"],
  ["modules/api/peer_credentials.ts", "who is at the other end of a UNIX socket, from libc"],
  ["scripts/", "run on a developer's machine"],
  ["tests/", "may stand outside"],
];

const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  Date: ["now"],
  performance: ["now", "timeOrigin"],
  Math: ["random"],
  crypto: ["getRandomValues", "randomUUID"],
  Deno: ["Command", "dlopen"],
};
const GLOBALS: readonly string[] = ["setTimeout", "setInterval"];
const HINT =
  "Take a Clock, Random or Spawner from broker/ports, or add the file to scripts/lint_doors.ts with a reason";

/** Whether the rule holds in a file, by its path within the checkout. */
export function guarded(path: string): boolean {
  return !ALLOWED.some(([prefix]) => prefix.endsWith("/") ? path.startsWith(prefix) : path === prefix);
}

const root = new URL("../", import.meta.url).pathname;

const plugin: Deno.lint.Plugin = {
  name: "doors",
  rules: {
    "use-ports": {
      create(context) {
        const path = context.filename.replace(/^file:\/\//, "");
        if (!guarded(path.startsWith(root) ? path.slice(root.length) : path)) return {};
        const report = (node: Deno.lint.Node, what: string) =>
          context.report({ node, message: `${what} goes around the doors to the outside`, hint: HINT });
        return {
          MemberExpression(node) {
            let object = node.object;
            if (object.type === "MemberExpression" && object.property.type === "Identifier" && !object.computed) {
              if (object.object.type === "Identifier" && object.object.name === "globalThis") object = object.property;
            }
            const name = node.property.type === "Identifier" && !node.computed
              ? node.property.name
              : node.property.type === "Literal"
              ? String(node.property.value)
              : undefined;
            if (name === undefined || object.type !== "Identifier") return;
            if (object.name === "globalThis" && GLOBALS.includes(name)) report(node, name);
            if (Object.hasOwn(MEMBERS, object.name) && MEMBERS[object.name]!.includes(name)) {
              report(node, `${object.name}.${name}`);
            }
          },
          CallExpression(node) {
            if (node.callee.type === "Identifier" && GLOBALS.includes(node.callee.name)) report(node, node.callee.name);
            if (node.callee.type === "Identifier" && node.callee.name === "Date") report(node, "Date()");
          },
          NewExpression(node) {
            if (node.callee.type === "Identifier" && node.callee.name === "Date" && node.arguments.length === 0) {
              report(node, "new Date()");
            }
          },
        };
      },
    },
  },
};

export default plugin;
