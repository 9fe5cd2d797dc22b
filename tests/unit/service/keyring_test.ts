/** Which rank a public key stands for. */

import { assertEquals, assertThrows } from "../../assert.ts";
import { Keyring } from "../../../broker/service/keyring.ts";

Deno.test("Keyring.rankOf() knows what the bootstrap told, at any time, and what was admitted", () => {
  const told = new Map<string, number>();
  const keyring = new Keyring((key) => told.get(key));
  assertEquals(keyring.rankOf("a"), undefined);
  told.set("a", 1);
  keyring.admit("b", 2);
  keyring.admit("c", 2);
  assertEquals(["a", "b", "c", "d"].map((key) => keyring.rankOf(key)), [1, 2, 2, undefined]);
});

Deno.test("Keyring.admit() does not let a key stand for a second rank", () => {
  const keyring = new Keyring((key) => key === "a" ? 1 : undefined);
  keyring.admit("b", 2);
  keyring.admit("b", 2);
  for (const key of ["a", "b"]) {
    assertThrows(() => keyring.admit(key, 3), { errno: "EPERM", text: "cannot stand for rank 3" });
  }
  assertEquals(["a", "b"].map((key) => keyring.rankOf(key)), [1, 2]);
});
