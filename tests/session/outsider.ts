/** Someone who is not in a session of several hosts, on a host of their own. */

import { open } from "../../broker/handle/open.ts";
import type { Hosts } from "./hosts.ts";
import type { Session } from "./session.ts";

const script = new URL("stranger.ts", import.meta.url).pathname;
/** Ranks 0 to 2 are on the hosts 0 to 2; this one is the stranger's. */
export const ELSEWHERE = 3;

/** Starts one on its host; `words` as stranger.ts takes them. */
export function stranger(hosts: Hosts, ...words: string[]): Deno.ChildProcess {
  const env = { DENO_DIR: Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno` };
  return hosts.spawn(ELSEWHERE, [Deno.execPath(), "run", "-A", "--quiet", script, ...words], { env, stdin: "piped" });
}

/** What it has to say at its end. */
export async function said(child: Deno.ChildProcess): Promise<unknown> {
  await child.stdin.close();
  const { stdout, stderr } = await child.output();
  const text = new TextDecoder().decode(stdout);
  if (text === "") throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(text);
}

/** The TCP places and the public key of rank 0. */
export async function rootOf(session: Session): Promise<{ ports: string[]; key: string | undefined }> {
  using handle = await open(session.uri(0));
  const { value: uri } = await handle.rpc<{ value: string }>("attr.get", { name: "tbon.endpoint" });
  const card = await handle.rpc<{ pubkey?: string; uri: string[] }>("overlay.find", { uri }, { rank: 0 });
  const ports = card.uri.map((places) => places.split(",").find((place) => place.startsWith("tcp://10."))!);
  return { ports, key: card.pubkey };
}
