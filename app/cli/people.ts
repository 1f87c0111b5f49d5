import { readFile, stat } from 'node:fs/promises'
import { AppError } from '../contract/index.ts'
import type { Contact, Person } from '../contract/index.ts'
import type { NodeConnection } from './connection.ts'

const MAX_CARD_BYTES = 16_384
const OWNER_KEY = /^0[23][0-9a-f]{64}$/i

/**
 * People to share with, as a user names them: a card (its link or its file, which becomes a contact), or a contact by owner
 * key, fingerprint or name.
 * @returns their owner keys, each once
 * @throws {AppError} `CARD_INVALID`, `BAD_REQUEST` when nobody or several are called that
 */
export async function peopleToShareWith(node: NodeConnection, names: readonly string[]): Promise<string[]> {
  const owners: string[] = []
  for (const name of names) {
    const card = await cardOf(name)
    if (card !== undefined) owners.push((await node.call('contacts.add', { card })).owner)
    else owners.push(findPerson((await node.call('contacts.list', {})).contacts, name, 'your contacts').owner)
  }
  return [...new Set(owners)]
}

/**
 * As `findPerson`, by their card as well, which is checked and not kept.
 * @throws {AppError} `BAD_REQUEST`, `CARD_INVALID`
 */
export async function findPersonOrCard<P extends Contact | Person>(
  node: NodeConnection,
  people: readonly P[],
  name: string,
  where: string,
): Promise<P> {
  const card = calledLike(people, name).length > 0 ? undefined : await cardOf(name)
  if (card === undefined) return findPerson(people, name, where)
  const shown = await node.call('discovery.publisher', { publisher: card.trim() })
  const known = people.find(({ owner }) => owner === shown.owner)
  return known ?? findPerson([], shown.name ?? shown.fingerprint, where)
}

/**
 * The one among `people` who is meant by an owner key, a fingerprint or a name.
 * @throws {AppError} `BAD_REQUEST`
 */
export function findPerson<P extends Contact | Person>(people: readonly P[], name: string, where: string): P {
  const found = calledLike(people, name)
  const [only] = found
  if (only !== undefined && found.length === 1) return only
  const message =
    found.length > 1 ? `Several of ${where} are called “${name}”.` : `Nobody among ${where} is “${name}”.`
  throw new AppError('BAD_REQUEST', message, {
    hint: 'Give their card, their owner key (66 hexadecimal digits) or their fingerprint.',
  })
}

function calledLike<P extends Contact | Person>(people: readonly P[], name: string): P[] {
  const wanted = name.trim().toLowerCase()
  return people.filter((person) =>
    [person.owner, person.fingerprint, person.name ?? ''].some((text) => text.toLowerCase() === wanted),
  )
}

/** The text of a card when this names one: a link, or a file that is there. @throws {AppError} `CARD_INVALID` */
export async function cardOf(name: string): Promise<string | undefined> {
  if (/^sower:/i.test(name)) return name
  if (OWNER_KEY.test(name)) return undefined
  const found = await stat(name).catch(() => undefined)
  if (found?.isFile() !== true) return undefined
  if (found.size > MAX_CARD_BYTES) {
    throw new AppError('CARD_INVALID', `${name} is not a contact card: it is far too large.`)
  }
  return readFile(name, 'utf8')
}
