/**
 * What a terminal showed before, for one that attaches later: without the questions programs asked of it, which the new one
 * would answer into the input of a program that does not expect that. Pure.
 */

// deno-lint-ignore no-control-regex
const QUESTIONS = /\x1b\[[?>=]?[\d;]*[cn]|\x1b\[\?[\d;]*\$p|\x1b\][\d;]*;\?(?:\x07|\x1b\\)|\x1bP[^\x1b]*\x1b\\/g;

/** Byte for byte: these sequences are ASCII. */
export function withoutQuestions(bytes: Uint8Array): Uint8Array {
  if (!bytes.includes(0x1b)) return bytes;
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  const rest = text.replace(QUESTIONS, "");
  return rest.length === text.length ? bytes : Uint8Array.from(rest, (character) => character.charCodeAt(0));
}
