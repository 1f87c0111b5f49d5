import sea from 'gun/sea.js'
import { describe, expect, it } from 'vitest'
import { makeEnvelope, newFileKey, openEnvelope } from '../../app/vault/index.ts'
import { seaPairFromSeed } from '../../app/vault/envelope/sea.ts'
import { isPoint } from '../../app/vault/envelope/sea.ts'
import type { SeaPair } from '../../app/vault/index.ts'

/** The part of GUN's own library that the envelope promises to work with. */
interface StockSea {
  pair(): Promise<SeaPair>
  secret(epub: string, pair: Pick<SeaPair, 'epub' | 'epriv'>): Promise<string | undefined>
  encrypt(data: unknown, secret: string): Promise<string>
  decrypt(box: string, secret: string): Promise<unknown>
  sign(data: unknown, pair: SeaPair): Promise<string>
  verify(data: string, pub: string): Promise<unknown>
}

// Not Sower's: the stock library, as any GUN client has it.
const stock = sea as unknown as StockSea

const mediaId = 'ab'.repeat(32)
const context = { mediaId, version: 1 }
const fromWallet = seaPairFromSeed(Buffer.alloc(64, 3))

describe('stock gun/sea', () => {
  it('opens a box of Sower’s with its own pair', async () => {
    for (let run = 0; run < 20; run += 1) {
      const fileKey = newFileKey()
      const me = await stock.pair()
      const recipients = [{ owner: '', pub: me.pub, epub: me.epub }]
      const { keys } = await makeEnvelope({ fileKey, ...context, recipients })
      const entry = keys[me.pub] ?? { epub: '', box: '' }
      const secret = (await stock.secret(entry.epub, me)) ?? ''
      expect(await stock.decrypt(entry.box, secret)).toEqual({
        key: fileKey.toString('base64url'),
        mediaId,
        version: 1,
      })
    }
  })

  it('makes boxes that Sower opens with the wallet’s pair', async () => {
    for (let run = 0; run < 20; run += 1) {
      const fileKey = newFileKey()
      const oneTime = await stock.pair()
      const secret = (await stock.secret(fromWallet.epub, oneTime)) ?? ''
      const box = await stock.encrypt({ key: fileKey.toString('base64url'), mediaId, version: 1 }, secret)
      const keys = { [fromWallet.pub]: { epub: oneTime.epub, box } }
      const envelope = { scheme: 'sea', for: [fromWallet.pub], keys }
      expect(await openEnvelope(envelope, fromWallet, context)).toEqual(fileKey)
    }
  })

  it('signs with the wallet’s pair, and checks it by its pub', async () => {
    const signed = await stock.sign({ hello: 'wörld' }, fromWallet)
    expect(await stock.verify(signed, fromWallet.pub)).toEqual({ hello: 'wörld' })
  })

  it('makes pairs whose keys Sower takes for keys', async () => {
    const { pub, epub } = await stock.pair()
    expect([isPoint(pub), isPoint(epub)]).toEqual([true, true])
  })
})
