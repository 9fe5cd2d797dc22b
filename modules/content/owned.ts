/** Bytes that are kept for long. Pure. */

/**
 * The same bytes, copied when they are a small part of a larger buffer (a parcel, what was received at once), which would
 * stay in memory with them.
 */
export function owned(bytes: Uint8Array): Uint8Array {
  return bytes.length * 4 >= bytes.buffer.byteLength * 3 ? bytes : bytes.slice();
}
