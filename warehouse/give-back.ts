/**
 * Gives the memory of a buffer back now, which the garbage collector lets pile up by tens of megabytes. What still looks at it
 * finds it empty or throws. A small one may lie in Node's pool, with others: it is left alone.
 */
export function giveBack(bytes: Buffer): void {
  if (bytes.buffer instanceof ArrayBuffer && bytes.byteOffset === 0 && bytes.buffer.byteLength > Buffer.poolSize)
    bytes.buffer.transfer(0)
}
