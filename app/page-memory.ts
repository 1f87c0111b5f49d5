const WASM_PAGE_BYTES = 64 * 1024

/** Every Node has it; the compiler only knows it from the DOM's types. */
declare const WebAssembly: {
  readonly Memory: new (pages: { initial: number; maximum: number; shared: true }) => {
    readonly buffer: object
  }
}

/**
 * Shared memory that begins at a page border, as writing past the page cache demands. A plain `SharedArrayBuffer` begins
 * where malloc happens to put it; the memory of WebAssembly is mapped. It reserves gigabytes of addresses, so where those are
 * rationed the memory is a plain one, and the direct write fails with EINVAL.
 * @returns at least `byteLength` bytes, all zero; they cost nothing until they are written to
 */
export function allocatePages(byteLength: number): SharedArrayBuffer {
  const pages = Math.ceil(byteLength / WASM_PAGE_BYTES)
  try {
    const { buffer } = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })
    if (buffer instanceof SharedArrayBuffer) return buffer
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
  }
  return new SharedArrayBuffer(byteLength)
}
