import { Writable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BufferPool } from '../../../app/http/byte-sender.ts'
import { ChunkSender } from '../../../app/http/chunk-sender.ts'

/** Takes writes one at a time, when it is told to. */
function slowOut(): { out: Writable; taken: Buffer[]; takeOne: () => void; waiting: () => number } {
  const taken: Buffer[] = []
  const callbacks: (() => void)[] = []
  const out = new Writable({
    highWaterMark: 1,
    write: (chunk: Buffer, _encoding, done) => {
      callbacks.push(() => {
        taken.push(Buffer.from(chunk))
        done()
      })
    },
  })
  out.on('error', () => undefined)
  return { out, taken, takeOne: () => callbacks.shift()?.(), waiting: () => callbacks.length }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

describe('ChunkSender', () => {
  it('sends the same bytes in the same order, whatever the chunks, also when they are lent', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 200_000, minLength: 1 }), { maxLength: 12 }),
        async (chunks) => {
          const expected = Buffer.concat(chunks)
          const taken: Buffer[] = []
          const out = new Writable({
            write: (chunk: Buffer, _encoding, done) => (taken.push(Buffer.from(chunk)), done()),
          })
          const sender = new ChunkSender(out, new BufferPool(2), expected.length)
          for (const chunk of chunks) {
            const lent = Uint8Array.from(chunk)
            await sender.write(lent)
            lent.fill(0)
          }
          await sender.end()
          sender.close()
          expect(Buffer.concat(taken).equals(expected)).toBe(true)
        },
      ),
      { numRuns: 30 },
    )
  })

  it('does not hold back what has come until more comes', async () => {
    const { out, taken, takeOne } = slowOut()
    const sender = new ChunkSender(out, new BufferPool(), 1_000_000)
    await sender.write(Buffer.from('a little'))
    await turn()
    takeOne()
    expect(Buffer.concat(taken).toString()).toBe('a little')
    sender.close()
  })

  it('is never more than two buffers ahead', async () => {
    const { out, takeOne, waiting } = slowOut()
    const sender = new ChunkSender(out, new BufferPool(), 10_000_000)
    let written = 0
    const filling = (async () => {
      for (let round = 0; round < 100; round += 1) {
        await sender.write(Buffer.alloc(65_536))
        written += 65_536
      }
    })()
    await turn()
    await turn()
    expect(written).toBe(2 * 512 * 1024)
    expect(waiting()).toBe(1)
    for (let round = 0; round < 40; round += 1) {
      takeOne()
      await turn()
    }
    await filling
    expect(written).toBe(100 * 65_536)
    sender.close()
  })

  it('says that the client is gone, and that fewer or more bytes came than were announced', async () => {
    const gone = slowOut()
    const cut = new ChunkSender(gone.out, new BufferPool(), 10_000_000)
    await cut.write(Buffer.alloc(600_000))
    gone.out.destroy()
    await expect(cut.end()).rejects.toThrow(/client went away/)
    cut.close()
    const { out, takeOne } = slowOut()
    const short = new ChunkSender(out, new BufferPool(), 10)
    await short.write(Buffer.alloc(4))
    await expect(short.write(Buffer.alloc(7))).rejects.toThrow(RangeError)
    const ending = short.end()
    takeOne()
    await expect(ending).rejects.toThrow(/6 bytes fewer/)
    short.close()
  })
})
