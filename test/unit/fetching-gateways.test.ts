import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { gatewaysOf } from '../../app/fetching/gateways.ts'

const ID = createHash('sha256').update('hello').digest('hex')
/** `ipfs add --raw-leaves --cid-version 1` of the five bytes `hello`. */
const RAW = 'bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq'
const DAG = 'QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPbdG'
const TX = 'A'.repeat(43)
const none = { ipfsGateways: [], arweaveGateways: [] }
const urls = (...args: Parameters<typeof gatewaysOf>) =>
  gatewaysOf(...args).map(({ kind, url, isOwn }) => [kind, url.href, isOwn])

describe('gateways', () => {
  it('asks those of the settings first, and those the manifest names without trusting their address', () => {
    const own = { ipfsGateways: ['http://127.0.0.1:8080'], arweaveGateways: ['https://ar.example/'] }
    const named = {
      ipfs: { cid: DAG, gateways: ['https://ipfs.example/ipfs/', `https://two.example/ipfs/${DAG}`] },
      arweave: { txId: TX, url: `https://arweave.example/${TX}` },
    }
    expect(urls(named, own, ID)).toEqual([
      ['ipfs', `http://127.0.0.1:8080/ipfs/${DAG}`, true],
      ['ipfs', `https://ipfs.example/ipfs/${DAG}`, false],
      ['ipfs', `https://two.example/ipfs/${DAG}`, false],
      ['arweave', `https://ar.example/${TX}`, true],
      ['arweave', `https://arweave.example/${TX}`, false],
    ])
  })

  it('asks for a single block as it is, when it is the one with the item’s sha256', () => {
    const ipfs = { cid: RAW, gateways: ['https://ipfs.example'] }
    expect(urls({ ipfs }, none, ID)).toEqual([['ipfs', `https://ipfs.example/ipfs/${RAW}?format=raw`, false]])
    expect(urls({ ipfs }, none, 'ab'.repeat(32))).toEqual([])
  })

  it('finds on Arweave what went there through Irys', () => {
    const own = { ...none, arweaveGateways: ['https://ar.example'] }
    expect(urls({ irys: { id: TX } }, own, ID)).toEqual([['arweave', `https://ar.example/${TX}`, true]])
  })

  it.each([
    ['a path for a CID', { ipfs: { cid: `${DAG}/../../admin`, gateways: ['https://ipfs.example'] } }],
    ['no CID', { ipfs: { cid: 'x', gateways: ['https://ipfs.example'] } }],
    ['a path for a transaction', { arweave: { txId: '../admin', url: 'https://ar.example/' } }],
    ['an address of another kind', { arweave: { txId: TX, url: 'file:///etc/passwd' } }],
    ['a template', { ipfs: { cid: DAG, gateways: ['https://{cid}.ipfs.example'] } }],
  ])('passes over %s', (_what, named) => {
    expect(urls(named, none, ID)).toEqual([])
  })

  it('asks a bounded number, however many a manifest names', () => {
    const gateways = Array.from({ length: 60 }, (_, at) => `https://g${String(at)}.example`)
    expect(urls({ ipfs: { cid: DAG, gateways } }, none, ID)).toHaveLength(8)
  })
})
