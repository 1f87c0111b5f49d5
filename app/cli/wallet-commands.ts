import { resolve } from 'node:path'
import { writeFileSync } from 'node:fs'
import { isErrno, writeFileAtomic } from '../atomic-file.ts'
import { AppError } from '../contract/index.ts'
import type { WalletStatus } from '../contract/index.ts'
import type { NodeConnection } from './connection.ts'
import { withNode } from './context.ts'
import type { Context } from './context.ts'
import { checkTarget, targetFor } from './copy-out.ts'
import { formatTable } from './format.ts'
import { askHidden, canAsk } from './prompt.ts'
import { existingSecret, newSecret, readSecret, readSecretLine } from './secret-input.ts'

/** As the contract has it for `vault.exportBackup`. */
const MIN_PASSWORD_CHARS = 8

const KEPT_IN = {
  keychain: 'the system’s keychain',
  passphrase: 'a file that opens with its passphrase',
  keyfile: 'a file, protected by its permissions only',
} as const satisfies Record<WalletStatus['storage'], string>

/** `sower wallet show`: whose it is, where it is kept, whether it can be used and got back. */
export async function showWalletCommand(context: Context): Promise<void> {
  await withNode(context, async (node) => {
    const { wallet } = await node.call('node.status', {})
    const fingerprint = wallet.state === 'ready' ? (await node.call('vault.card', {})).fingerprint : undefined
    const rows = [
      ['state', wallet.state],
      ['fingerprint', fingerprint ?? 'unknown until it is open'],
      ['owner', wallet.owner ?? 'unknown until it is open'],
      ['kept in', KEPT_IN[wallet.storage]],
      ['backup', backupText(wallet)],
      ...(wallet.message === undefined ? [] : [['', wallet.message]]),
    ]
    context.terminal.result({ ...walletResult(wallet), fingerprint }, formatTable(rows))
  })
}

function backupText({ isBackedUp, state }: WalletStatus): string {
  if (isBackedUp) return 'backed up'
  return state === 'ready' ? 'none yet: “sower wallet words”, or “sower wallet backup”' : 'none yet'
}

export interface CreateOptions {
  readonly words: '12' | '24'
  readonly passphrase?: true
  readonly passphraseFile?: string
}

/** `sower wallet create`: another wallet in place of one that nothing depends on. */
export async function createWalletCommand(context: Context, options: CreateOptions): Promise<void> {
  const passphrase = await chosenPassphrase(options)
  await withNode(context, async (node) => {
    const words = options.words === '24' ? 24 : 12
    const status = await node.call('vault.create', { words, passphrase })
    await tellWallet(context, node, status, 'A new wallet was made')
    context.terminal.say('Write its words down: “sower wallet words”, then “sower wallet check”.')
  })
}

export interface RestoreOptions {
  readonly phraseFile?: string
  readonly passphrase?: true
  readonly passphraseFile?: string
  readonly backupFile?: string
  readonly passwordFile?: string
  readonly replace: boolean
}

/** `sower wallet restore`: from its words or a backup file. */
export async function restoreWalletCommand(context: Context, options: RestoreOptions): Promise<void> {
  if (options.backupFile !== undefined && options.phraseFile !== undefined)
    throw new AppError(
      'BAD_REQUEST',
      'A wallet is restored from its words or from a backup file, not from both.',
    )
  const source =
    options.backupFile === undefined
      ? await askForWords(options)
      : await askForBackup(options, options.backupFile)
  await withNode(context, async (node) => {
    const status = await node.call('vault.restore', { ...source, isReplacing: options.replace })
    await tellWallet(context, node, status, 'The wallet is back')
  })
}

/** `sower wallet card`: one's own card, for others. */
export async function cardCommand(
  context: Context,
  { name, out, force }: { readonly name?: string; readonly out?: string; readonly force: boolean },
): Promise<void> {
  if (out !== undefined) checkTarget(out, force)
  await withNode(context, async (node) => {
    const { link, json, owner, fingerprint } = await node.call(
      'vault.card',
      name === undefined ? {} : { name },
    )
    const path = out === undefined ? undefined : targetFor(out, `${fingerprint}.sowercard`)
    if (path !== undefined) writeNew(path, json, force)
    const file = path === undefined ? {} : { path }
    context.terminal.result(
      { owner, fingerprint, link, ...file },
      path === undefined ? link : `Written to ${path}.`,
    )
    context.terminal.say(`Let whoever gets it compare the fingerprint with you: ${fingerprint}`)
  })
}

export interface BackupOptions {
  readonly out: string
  readonly passwordFile?: string
  readonly force: boolean
}

/** `sower wallet backup`: a file that, with its password, is the whole wallet. */
export async function backupCommand(context: Context, options: BackupOptions): Promise<void> {
  const { terminal } = context
  checkTarget(options.out, options.force)
  const password = await newSecret(options.passwordFile, {
    what: 'the password of the backup',
    question: 'Password of the backup: ',
    option: '--password-file',
  })
  if (password.length < MIN_PASSWORD_CHARS) {
    throw new AppError(
      'BAD_REQUEST',
      `The password of a backup has ${MIN_PASSWORD_CHARS} characters or more.`,
      {
        hint: 'Several random words are easy to keep and hard to guess.',
      },
    )
  }
  await withNode(context, async (node) => {
    const { fileName, text } = await node.call('vault.exportBackup', { password })
    const path = targetFor(options.out, fileName)
    writeNew(path, text, options.force)
    await node.call('vault.backupSaved', {})
    terminal.result({ path }, `The backup is in ${path}.`)
    terminal.say('It opens with its password only, which nobody can recover. Keep both, in two places.')
  })
}

/** `sower wallet words`: to a terminal, or wherever `--yes` sends them. */
export async function wordsCommand(context: Context, { yes }: { readonly yes: boolean }): Promise<void> {
  if (!yes && !process.stdout.isTTY) {
    throw new AppError('BAD_REQUEST', 'The words of the wallet are shown on a terminal only.', {
      hint: 'Whoever has them has the wallet. To write them somewhere else all the same, say --yes.',
    })
  }
  await withNode(context, async (node) => {
    const { words, hasPassphrase } = await node.call('vault.reveal', {})
    const lines = words.map((word, i) => `${String(i + 1).padStart(2)}. ${word}`)
    context.terminal.result({ words, hasPassphrase }, lines.join('\n'))
    context.terminal.say('Write them down by hand. Whoever has them has the wallet.')
    if (hasPassphrase) context.terminal.say('They are of no use without the passphrase of this wallet.')
  })
}

/** `sower wallet check`: asks for three of the words, to see that they were written down. */
export async function checkWordsCommand(context: Context): Promise<void> {
  if (!canAsk()) throw new AppError('BAD_REQUEST', 'There is no terminal to ask for the words on.')
  await withNode(context, async (node) => {
    const { positions } = await node.call('vault.askWords', {})
    const answers: { position: number; word: string }[] = []
    for (const position of positions)
      answers.push({ position, word: (await askHidden(`Word ${position}: `)).trim().slice(0, 32) })
    const status = await node.call('vault.confirmWords', { answers })
    context.terminal.result(walletResult(status), 'Right. The wallet counts as backed up.')
  })
}

/** `sower wallet unlock`: opens a wallet file with its passphrase, or tries the keychain again. */
export async function unlockCommand(
  context: Context,
  { passphraseFile }: { readonly passphraseFile?: string },
): Promise<void> {
  await withNode(context, async (node) => {
    const { wallet } = await node.call('node.status', {})
    const isAsked = wallet.state !== 'ready' && wallet.storage === 'passphrase'
    const question = { what: 'the passphrase', question: 'Passphrase of this wallet: ' }
    const passphrase = isAsked ? await existingSecret(passphraseFile, question) : undefined
    const args = passphrase === undefined ? {} : { passphrase: firstLine(passphrase) }
    const status = await node.call('vault.unlock', args)
    if (status.state !== 'ready')
      throw new AppError('UNAVAILABLE', status.message ?? 'The wallet can’t be opened now.')
    await tellWallet(context, node, status, 'The wallet is open')
  })
}

async function chosenPassphrase({ passphrase, passphraseFile }: CreateOptions): Promise<string> {
  if (passphrase !== true && passphraseFile === undefined) return ''
  return newSecret(passphraseFile, {
    what: 'the passphrase',
    question: 'Passphrase beside the words (it can’t be recovered): ',
    option: '--passphrase-file',
  })
}

async function askForWords(
  options: RestoreOptions,
): Promise<{ from: 'words'; words: string; passphrase: string }> {
  const words = await existingSecret(options.phraseFile, {
    what: 'the words',
    question: 'The words, with spaces between them: ',
  })
  const { passphrase, passphraseFile } = options
  if (passphraseFile !== undefined)
    return { from: 'words', words, passphrase: await readSecretLine(passphraseFile, 'the passphrase') }
  if (passphrase !== true) return { from: 'words', words, passphrase: '' }
  if (!canAsk())
    throw new AppError('BAD_REQUEST', 'There is no terminal to ask for the passphrase on.', {
      hint: 'Put it on the first line of a file and name that with --passphrase-file.',
    })
  return { from: 'words', words, passphrase: await askHidden('Passphrase of the wallet: ') }
}

async function askForBackup(
  { passwordFile }: RestoreOptions,
  file: string,
): Promise<{ from: 'file'; text: string; password: string }> {
  const text = await readSecret(file, 'the backup')
  const password = await existingSecret(passwordFile, {
    what: 'the password of the backup',
    question: 'Password of the backup: ',
  })
  return { from: 'file', text, password: firstLine(password) }
}

async function tellWallet(
  { terminal }: Context,
  node: NodeConnection,
  status: WalletStatus,
  what: string,
): Promise<void> {
  const { fingerprint } = await node.call('vault.card', {})
  terminal.result(
    { ...walletResult(status), fingerprint },
    `${what}: ${fingerprint} (owner ${status.owner ?? ''}).`,
  )
  if (status.message !== undefined) terminal.say(`Warning: ${status.message}`)
}

function walletResult({ owner, storage, state, isBackedUp }: WalletStatus): object {
  return { owner, storage, state, isBackedUp }
}

/** A file only its user may read, never over another one unless that was asked for. */
function writeNew(path: string, text: string, isForced: boolean): void {
  const target = resolve(path)
  try {
    if (isForced) writeFileAtomic(target, text)
    else writeFileSync(target, text, { flag: 'wx', mode: 0o600, flush: true })
  } catch (cause) {
    if (isErrno(cause, 'EEXIST')) {
      throw new AppError('CONFLICT', `There is already a file ${target}.`, {
        hint: 'Choose another name, or say --force to replace it.',
        cause,
      })
    }
    throw new AppError('UNAVAILABLE', `${target} can’t be written.`, {
      hint: 'Check the folder, its free space and that you may write there.',
      cause,
    })
  }
}

function firstLine(text: string): string {
  return text.split(/\r?\n/, 1)[0] ?? ''
}
