import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { buildManifest, signManifest } from '../../app/manifest/index.ts'
import type { Encryption, Manifest } from '../../app/manifest/index.ts'
import {
  makeEnvelope,
  newFileKey,
  openEnvelope,
  openMetadata,
  PlainReader,
  streamEncryptionOf,
} from '../../app/vault/index.ts'
import { seaPairFromSeed } from '../../app/vault/envelope/sea.ts'
import { sealForSelf, selfName } from '../../app/vault/self-seal.ts'
import {
  drain,
  encryptBytes,
  encryptedManifest,
  MemoryBytes,
  patternBytes,
} from '../support/encrypted-item.ts'
import { tempDir } from '../support/temp-dir.ts'
import { testSigner } from '../unit/manifest/owner.ts'

// The script is the other side: written from the description of the format, on another library in another language.
const script = fileURLToPath(new URL('decryptor.py', import.meta.url))
const SEGMENT_PLAIN = 65_520
const sizes = [0, 1, 1000, SEGMENT_PLAIN - 1, SEGMENT_PLAIN, SEGMENT_PLAIN + 1, 3 * SEGMENT_PLAIN, 300 * 1024]
const me = seaPairFromSeed(Buffer.alloc(64, 5))
const metadata = { name: 'Wörter & “quotes” – 日本語 🌱.mp4', mime: 'video/mp4' }

function python(...args: string[]): Buffer {
  const { status, stdout, stderr } = spawnSync('/usr/bin/python3', [script, ...args], {
    maxBuffer: 16 * 1024 * 1024,
  })
  if (status !== 0) throw new Error(stderr.toString())
  return stdout
}

async function setUp() {
  const dir = await tempDir()
  onTestFinished(() => dir[Symbol.asyncDispose]())
  const write = (name: string, content: string | Uint8Array) => {
    writeFileSync(dir.file(name), content)
    return dir.file(name)
  }
  return { dir, write, pair: write('pair.json', JSON.stringify(me)) }
}

/** An item of Sower's on the disk, and the arguments that name it to the script. */
async function madeBySower(size: number) {
  const { write, pair } = await setUp()
  const plain = patternBytes(size, 3)
  const bytes = encryptBytes(plain)
  const recipients = [{ owner: '', pub: me.pub, epub: me.epub }]
  const keyEnvelope = await makeEnvelope({ ...bytes, version: 1, recipients })
  const manifest = encryptedManifest(plain, bytes, { keyEnvelope, metadata })
  const args = [
    '--manifest',
    write('manifest.json', JSON.stringify(manifest)),
    '--file',
    write('media', bytes.stored),
  ]
  return { plain, bytes, manifest, args, write, pair }
}

describe('a stranger’s script', () => {
  it.each(sizes)('decrypts a file of %d bytes with a SEA pair, and reads what was sealed', async (size) => {
    const { plain, bytes, args, pair } = await madeBySower(size)
    expect(python('decrypt', ...args, '--pair', pair).equals(plain)).toBe(true)
    expect(
      python('key', ...args, '--pair', pair)
        .toString()
        .trim(),
    ).toBe(bytes.fileKey.toString('hex'))
    expect(JSON.parse(python('metadata', ...args, '--pair', pair).toString())).toMatchObject(metadata)
  })

  it('opens the golden files', () => {
    const fixture = (name: string) =>
      fileURLToPath(new URL(`../fixtures/encryption/${name}`, import.meta.url))
    const golden = ['--manifest', fixture('stream64k-v1.json'), '--pair', fixture('sea-pair.json')]
    const plain = python('decrypt', ...golden, '--file', fixture('stream64k-v1.bin'))
    expect(plain.equals(patternBytes(66_520, 9))).toBe(true)
  })

  it('decrypts any range', async () => {
    const { plain, bytes, args, write } = await madeBySower(200_000)
    const key = write('key', bytes.fileKey.toString('hex'))
    for (const [range, start, end] of [
      ['0-0', 0, 1],
      ['65519-65520', 65_519, 65_521],
      ['65520-131039', 65_520, 131_040],
      ['100000-', 100_000, 200_000],
      ['-5000', 195_000, 200_000],
    ] as const) {
      const part = python('decrypt', ...args, '--key', key, `--range=${range}`)
      expect(part.equals(plain.subarray(start, end))).toBe(true)
    }
  })

  it('refuses what Sower refuses', async () => {
    const { bytes, args, pair, write } = await madeBySower(100_000)
    const wrong = write('wrong', newFileKey().toString('hex'))
    expect(() => python('decrypt', ...args, '--key', wrong)).toThrow('the key of another file')
    const changed = Buffer.from(bytes.stored)
    changed[70_000] = (changed[70_000] ?? 0) ^ 1
    write('media', changed)
    expect(() => python('decrypt', ...args, '--pair', pair)).toThrow('segment 1 is not genuine')
  })

  it.each(sizes)('encrypts a file of %d bytes that Sower reads', async (size) => {
    const { dir, write } = await setUp()
    const plain = patternBytes(size, 4)
    const file = write('plain', plain)
    const out = dir.file('media')
    const to = ['--to', me.pub, me.epub]
    const reply = python(
      'encrypt',
      '--file',
      file,
      '--out',
      out,
      '--name',
      metadata.name,
      '--mime',
      metadata.mime,
      ...to,
    )
    const made = JSON.parse(reply.toString()) as { id: string; size: number; encryption: Encryption }

    const manifest = signed(made)
    const fileKey = await openEnvelope(made.encryption.keyEnvelope, me, { mediaId: made.id, version: 1 })
    const sealed = made.encryption.sealed ?? { iv: '', data: '' }
    expect(openMetadata(fileKey, sealed)).toMatchObject(metadata)
    const stored = new MemoryBytes(readFileSync(out))
    const reader = await PlainReader.open({ stored, encryption: streamEncryptionOf(manifest), fileKey })
    expect((await drain(reader.read(0, size))).bytes.equals(plain)).toBe(true)
  })

  it('derives the same SEA pair from a seed', async () => {
    const { write } = await setUp()
    const seed = newFileKey().toString('hex') + newFileKey().toString('hex')
    const pair: unknown = JSON.parse(python('pair', '--seed', write('seed', seed)).toString())
    expect(pair).toEqual(seaPairFromSeed(Buffer.from(seed, 'hex')))
  })
})

function signed({ id, size, encryption }: { id: string; size: number; encryption: Encryption }): Manifest {
  const signer = testSigner()
  const unsigned = buildManifest({
    mediaId: id,
    sizeBytes: size,
    mime: 'application/octet-stream',
    createdAt: 0,
    accessLevel: 'private',
    owner: signer.publicKey,
  })
  return signManifest({ ...unsigned, encryption }, signer)
}

describe('what a wallet seals for itself', () => {
  it('is opened by the script, with that wallet alone', async () => {
    const { write, pair } = await setUp()
    for (const [format, size] of [
      ['sower-kept-key', 256],
      ['sower-kept-contacts', 4096],
    ] as const) {
      const content = { note: 'Wörter 🌱', at: 1 }
      const file = write(format, sealForSelf(me, format, content))
      const opened: unknown = JSON.parse(python('kept', '--pair', pair, '--file', file).toString())
      expect(opened).toEqual({ wallet: selfName(me), size, content })
      const other = write('other.json', JSON.stringify(seaPairFromSeed(Buffer.alloc(64, 6))))
      expect(() => python('kept', '--pair', other, '--file', file)).toThrow('refused')
    }
  })
})
