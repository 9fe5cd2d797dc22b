import { bracketed, chooseAddresses, defaultRoute, type Interface } from "../../../broker/boot/addresses.ts";
import { assertEquals, assertThrows } from "../../assert.ts";

const of = (name: string, address: string): Interface => ({
  name,
  address,
  family: address.includes(":") ? "IPv6" : "IPv4",
});
const loopback = [of("lo", "127.0.0.1"), of("lo", "::1")];
const ethernet = [of("eth0", "192.168.1.7"), of("eth0", "fe80::1"), of("eth0", "2001:db8::7")];
const fabric = [of("ib0", "10.1.0.7"), of("ib0", "fd00:1::7")];
const all = [...loopback, ...ethernet, ...fabric];

for (
  const [title, hint, routed, expected] of [
    ["the interface of the default route", undefined, "ib0", ["10.1.0.7", "fd00:1::7"]],
    ["the first one outwards when there is no route", undefined, undefined, ["192.168.1.7", "2001:db8::7"]],
    ["the interface of the default route when asked so", "default-route", "eth0", ["192.168.1.7", "2001:db8::7"]],
    ["the interface that is named", "ib0", "eth0", ["10.1.0.7", "fd00:1::7"]],
    ["the interface that a pattern matches", "ib*", "eth0", ["10.1.0.7", "fd00:1::7"]],
    ["the address in an IPv4 network", "10.0.0.0/8", "eth0", ["10.1.0.7"]],
    ["the address in an IPv6 network", "2001:db8::/32", "ib0", ["2001:db8::7"]],
    ["the loopback when it is named", "lo", "eth0", ["127.0.0.1", "::1"]],
  ] as [string, string | undefined, string | undefined, string[]][]
) {
  Deno.test(`chooseAddresses() takes ${title}`, () => assertEquals(chooseAddresses(all, hint, routed), expected));
}

Deno.test("chooseAddresses() takes the loopback where there is nothing else", () => {
  assertEquals(chooseAddresses(loopback, undefined), ["127.0.0.1", "::1"]);
});

Deno.test("chooseAddresses() names the interfaces there are when none is as asked", () => {
  const text = 'no interface matches "eth7"; there are lo 127.0.0.1, lo ::1, eth0 192.168.1.7, eth0 2001:db8::7';
  assertThrows(() => chooseAddresses([...loopback, ...ethernet], "eth7"), { errno: "EINVAL", text });
  assertThrows(() => chooseAddresses(all, "11.0.0.0/8"), {
    errno: "EINVAL",
    text: 'no interface matches "11.0.0.0/8"',
  });
  assertThrows(() => chooseAddresses(all, "eth0/8"), { errno: "EINVAL", text: '"eth0/8" is no network' });
});

Deno.test("defaultRoute() reads the tables of the kernel", () => {
  const head = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n";
  const local = "eth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";
  const slow = "wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n";
  const fast = "eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n";
  assertEquals(defaultRoute(head + local + slow + fast, ""), "eth0");
  const zeros = "0".repeat(32);
  const unreachable = `${zeros} 00 ${zeros} 00 ${zeros} ffffffff 00000001 00000000 00200200       lo\n`;
  const six = `${zeros} 00 ${zeros} 00 fe800000000000000000000000000001 00000400 00000001 00000000 00450003     eth1\n`;
  assertEquals(defaultRoute(head + local, unreachable), undefined);
  assertEquals(defaultRoute(head + local, unreachable + six), "eth1");
  assertEquals(defaultRoute("", ""), undefined);
});

Deno.test("bracketed() makes an address fit for an endpoint", () => {
  assertEquals(["10.0.0.1", "fd00::1"].map(bracketed), ["10.0.0.1", "[fd00::1]"]);
});
