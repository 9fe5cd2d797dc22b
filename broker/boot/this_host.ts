/** Whether a name that a person has given to a host means this one. */

export function isThisHost(name: string): boolean {
  const own = Deno.hostname();
  const names = new Set([
    own,
    own.replace(/\..*/, ""),
    "localhost",
    ...Deno.networkInterfaces().map((one) => one.address),
  ]);
  return names.has(name) || name.replace(/\..*/, "") === own;
}
