import { errname, errnum, FluxError, isErrno, strerror } from "../../../broker/message/mod.ts";
import { assertEquals } from "../../assert.ts";

Deno.test("errnum() gives the Linux numbers that the wire names", () => {
  const wire = {
    EPERM: 1,
    ENOENT: 2,
    EIO: 5,
    EEXIST: 17,
    ENOTDIR: 20,
    EISDIR: 21,
    EINVAL: 22,
    EFBIG: 27,
    ENOSYS: 38,
    ELOOP: 40,
    ENODATA: 61,
    EPROTO: 71,
    EOVERFLOW: 75,
    ENOTSUP: 95,
    ECONNRESET: 104,
    EHOSTUNREACH: 113,
    ECANCELED: 125,
  } as const;
  for (const [name, number] of Object.entries(wire)) {
    assertEquals(errnum(name as keyof typeof wire), number);
    assertEquals(errname(number), name as keyof typeof wire);
  }
});

Deno.test("strerror() names a number that it does not know", () => {
  assertEquals(strerror(2), "No such file or directory");
  assertEquals(strerror(9999), "Unknown error 9999");
});

Deno.test("FluxError without text says what strerror() says", () => {
  const error = new FluxError("EHOSTUNREACH");
  assertEquals([error.errnum, error.code, error.message, error.hasText], [
    113,
    "EHOSTUNREACH",
    "No route to host",
    false,
  ]);
});

Deno.test("FluxError keeps its text, its cause and a number it does not know", () => {
  const cause = new Error("why");
  const error = new FluxError(9999, "cannot", { cause });
  assertEquals([error.errnum, error.code, error.message, error.hasText], [9999, "E9999", "cannot", true]);
  assertEquals(error.cause, cause);
});

Deno.test("isErrno() tells a FluxError of that number from all else", () => {
  assertEquals(isErrno(new FluxError("ENOENT"), "ENOENT"), true);
  assertEquals(isErrno(new FluxError("EPERM"), "ENOENT"), false);
  assertEquals(isErrno(new Error("ENOENT"), "ENOENT"), false);
});
