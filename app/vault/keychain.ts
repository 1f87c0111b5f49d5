import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type * as keytarModule from 'keytar'
import { AppError } from '../contract/index.ts'
import type { ErrorCode } from '../contract/index.ts'

/** The operating system's store of secrets, one entry per account. */
export interface Keychain {
  /**
   * @returns null only when the keychain is open and holds nothing under this account
   * @throws {AppError} `KEYCHAIN_LOCKED`, `KEYCHAIN_ABSENT` or `KEYCHAIN_DENIED`
   */
  get(account: string): Promise<string | null>
  /** @throws as `get` */
  set(account: string, secret: string): Promise<void>
  /** @throws as `get` */
  delete(account: string): Promise<void>
}

type Keytar = typeof keytarModule

const SERVICE = 'Sower'

const MESSAGES = {
  KEYCHAIN_LOCKED: {
    message:
      'The keychain of this computer is locked, so Sower cannot use your wallet. Your media are untouched.',
    hint: 'Unlock the keychain, then try again.',
  },
  KEYCHAIN_ABSENT: {
    message: 'No keychain was found on this computer, so Sower has no safe place for your wallet.',
    hint: 'Install and start one (on Linux: gnome-keyring or KWallet), or set SOWER_PASSPHRASE_FILE to a file with a passphrase.',
  },
  KEYCHAIN_DENIED: {
    message:
      'The keychain of this computer did not let Sower in, so your wallet cannot be used. Your media are untouched.',
    hint: 'Allow Sower to use the keychain, then try again.',
  },
} as const
type KeychainCode = keyof typeof MESSAGES

/**
 * The keychain through keytar: Secret Service on Linux, Keychain on macOS, Credential Manager on Windows. keytar is
 * loaded at the first use.
 * @param options.timeoutMs how long to wait for an answer (it may be asking the user) before `KEYCHAIN_LOCKED`
 */
export function systemKeychain({ timeoutMs }: { timeoutMs: number }): Keychain {
  const ask = async <T>(question: (keytar: Keytar) => Promise<T>): Promise<T> => {
    if (process.platform === 'linux' && !hasSessionBus(process.env)) throw keychainError(NO_BUS)
    let timer: NodeJS.Timeout | undefined
    const tooLate = new Promise<never>((_resolve, reject) => {
      const isTimeout = { reason: 'timeout' }
      timer = setTimeout(
        () =>
          reject(
            new AppError('KEYCHAIN_LOCKED', MESSAGES.KEYCHAIN_LOCKED.message, {
              hint: MESSAGES.KEYCHAIN_LOCKED.hint,
              details: isTimeout,
            }),
          ),
        timeoutMs,
      )
    })
    try {
      return await Promise.race([loadKeytar().then(question), tooLate])
    } catch (error) {
      throw keychainError(error)
    } finally {
      clearTimeout(timer)
    }
  }
  return {
    async get(account) {
      const secret = await ask((keytar) => keytar.getPassword(SERVICE, account))
      if (secret === null && process.platform === 'linux') await ask(assertUnlocked)
      return secret
    },
    set: (account, secret) => ask((keytar) => keytar.setPassword(SERVICE, account, secret)),
    delete: async (account) => {
      await ask((keytar) => keytar.deletePassword(SERVICE, account))
    },
  }
}

const NO_BUS = new Error('there is no D-Bus session')

/**
 * Whether a session bus was started for this user. Without one libdbus starts a bus of its own as soon as there is a display,
 * and a keyring on it that asks for a new password where perhaps nobody looks, and ends with us.
 */
export function hasSessionBus(env: Readonly<Record<string, string | undefined>>): boolean {
  const { DBUS_SESSION_BUS_ADDRESS: address = '', XDG_RUNTIME_DIR: runtimeDir = '' } = env
  return address !== '' || (runtimeDir !== '' && existsSync(join(runtimeDir, 'bus')))
}

/**
 * A locked Secret Service answers a reader with “nothing there”, the same as an open one that has no such entry; only a
 * writer is told. So write something worthless and remove it again.
 */
async function assertUnlocked(keytar: Keytar): Promise<void> {
  const account = `probe-${randomBytes(8).toString('hex')}`
  await keytar.setPassword(SERVICE, account, 'probe')
  await keytar.deletePassword(SERVICE, account)
}

/**
 * Which of the three states a keytar failure means. keytar gives messages, no codes.
 * @see platform notes in docs/decisions/0003-wallet-storage.md for where each message comes from
 */
export function keychainError(error: unknown): AppError {
  if (error instanceof AppError) return error
  const text = error instanceof Error ? error.message : String(error)
  const code = classify(text)
  return new AppError(code, MESSAGES[code].message, { hint: MESSAGES[code].hint, cause: error })
}

function classify(text: string): KeychainCode & ErrorCode {
  if (/locked|dismissed|interaction is not allowed|is waiting|prompt/i.test(text)) return 'KEYCHAIN_LOCKED'
  if (/access ?denied|cancel|not correct|not authori[sz]ed|permission/i.test(text)) return 'KEYCHAIN_DENIED'
  if (
    /d-?bus|could not connect|\.service files|not exist at path|shared object|connection is closed|cannot find module|was compiled against|spawn|child process|keychain could not be found/i.test(
      text,
    )
  ) {
    return 'KEYCHAIN_ABSENT'
  }
  return 'KEYCHAIN_DENIED'
}

async function loadKeytar(): Promise<Keytar> {
  const loaded = await import('keytar')
  return loaded.default
}
