/** `broker.mapping`: which ranks are on which node (RFC 34): `[[first node, nodes, ranks on each, times], …]`. Pure. */

/** Of the hosts of ranks 0 … in order. Nodes are numbered as they come. */
export function mappingOf(hosts: readonly string[]): string {
  const numbers = new Map<string, number>();
  const blocks: [first: number, nodes: number, each: number, times: number][] = [];
  let before: string | undefined;
  let run = 0;
  const close = () => {
    if (before === undefined) return;
    const node = numbers.get(before)!;
    const last = blocks.at(-1);
    if (last && last[0] + last[1] === node && last[2] === run) last[1]++;
    else blocks.push([node, 1, run, 1]);
  };
  for (const host of hosts) {
    if (!numbers.has(host)) numbers.set(host, numbers.size);
    if (host !== before) {
      close();
      run = 0;
      before = host;
    }
    run++;
  }
  close();
  return JSON.stringify(blocks);
}
