import { AppError, PersonKey } from '../../contract/index.ts'
import type { Contact } from '../../contract/index.ts'
import type { Db } from '../../library/index.ts'
import type { Clock } from '../../ports/clock.ts'
import { isPoint } from '../envelope/sea.ts'
import type { Recipient } from '../envelope/sea-envelope.ts'
import { cardInvalid, cardJson, fingerprintOf, parseCard, plainName } from './card.ts'
import type { Card } from './card.ts'
import type { KeptContact } from '../kept-list.ts'

interface ContactsInit {
  readonly db: Db
  readonly clock: Clock
  /** 66 hex of one's own wallet: nobody is their own contact. */
  readonly owner: () => string | null
  /** One's own SEA keys while the wallet is open. */
  readonly ownKeys: () => { readonly pub: string; readonly epub: string } | undefined
}

interface Row {
  readonly owner: string
  readonly name: string
  readonly card: string
  readonly added_at_ms: number
}

/** The people one knows, each with the card they signed. */
export class Contacts {
  readonly #db: Db
  readonly #clock: Clock
  readonly #owner: ContactsInit['owner']
  readonly #ownKeys: ContactsInit['ownKeys']
  readonly #listeners = new Set<() => void>()

  constructor({ db, clock, owner, ownKeys }: ContactsInit) {
    this.#db = db
    this.#clock = clock
    this.#owner = owner
    this.#ownKeys = ownKeys
  }

  /** By name. */
  list(): Contact[] {
    return this.#rows()
      .map(viewOf)
      .toSorted((a, b) => a.name.localeCompare(b.name) || a.owner.localeCompare(b.owner))
  }

  get(owner: string): Contact | undefined {
    const row = this.#row(owner)
    return row === undefined ? undefined : viewOf(row)
  }

  /**
   * Adds somebody by their card, or takes a newer card of somebody known; an older card changes nothing.
   * @param text a `sower://card/…` link or the content of a card file
   * @param name what the user calls them; the card's own name when left out
   * @throws {AppError} `CARD_INVALID`
   */
  add(text: string, name?: string): Contact {
    const card = parseCard(text, this.#clock.nowMs())
    if (card.owner === this.#owner())
      throw cardInvalid(
        'own',
        'This is your own card. It is for giving to others.',
        'Add the cards that others give you.',
      )
    this.#refuseKeysOfAnother(card)
    const known = this.#row(card.owner)
    const given = name === undefined ? '' : plainName(name)
    const isNewer = known === undefined || Date.parse(card.issuedAt) >= Date.parse(cardOf(known).issuedAt)
    const row = {
      owner: card.owner,
      name: given || known?.name || plainName(card.name ?? '') || fingerprintOf(card.owner),
      card: isNewer ? cardJson(card) : known.card,
      added_at_ms: known?.added_at_ms ?? this.#clock.nowMs(),
    }
    this.#store(row)
    return viewOf(row)
  }

  /** Everything about them, by owner key: what is worth keeping. */
  kept(): KeptContact[] {
    return this.#rows()
      .toSorted((a, b) => (a.owner < b.owner ? -1 : 1))
      .map(({ name, card, added_at_ms: addedAtMs }) => ({ name, card, addedAtMs }))
  }

  /**
   * Takes back those who were kept and are missing here, and newer cards of the others. Who can't be a contact (any more) is
   * left out.
   * @returns how many were missing
   */
  bringBack(kept: readonly KeptContact[]): number {
    const before = this.#rows().length
    this.#db.write(() => {
      for (const contact of kept) this.#bringBack(contact)
    })
    const cameBack = this.#rows().length - before
    if (kept.length > 0) this.#tell()
    return cameBack
  }

  /** @throws {AppError} `NOT_FOUND`, `BAD_REQUEST` (a name of nothing but blanks) */
  rename(owner: string, name: string): Contact {
    const row = this.#row(owner)
    if (row === undefined) throw notAContact()
    const plain = plainName(name)
    if (plain === '') throw new AppError('BAD_REQUEST', 'A contact needs a name.')
    const renamed = { ...row, name: plain }
    this.#store(renamed)
    return viewOf(renamed)
  }

  /** What was shared with them stays shared. @throws {AppError} `NOT_FOUND` */
  remove(owner: string): void {
    const { changes } = this.#db.write(() =>
      this.#db.prepare('DELETE FROM contacts WHERE owner = ?').run(owner),
    )
    if (changes === 0) throw notAContact()
    this.#tell()
  }

  /**
   * The keys of these people, in their order, each once.
   * @param owners owner keys (66 hex)
   * @throws {AppError} `BAD_REQUEST` naming the one who is no contact
   */
  recipients(owners: readonly string[]): Recipient[] {
    return [...new Set(owners)].map((owner) => this.#recipient(owner))
  }

  /**
   * Somebody as another program names them: an owner key or SEA `pub` of a contact, or a card (link or JSON), whose owner need
   * not be a contact.
   * @throws {AppError} `BAD_REQUEST` for somebody who is no contact, `CARD_INVALID`
   */
  resolve(text: string): Recipient {
    const named = text.trim()
    if (PersonKey.safeParse(named).success) return this.#recipient(named)
    if (isPoint(named)) {
      const row = this.#rows().find((each) => cardOf(each).pub === named)
      if (row !== undefined) return this.#recipient(row.owner)
      throw new AppError('BAD_REQUEST', 'These SEA keys are none of your contacts’.', {
        hint: 'Add their card to your contacts first, or give the card itself.',
      })
    }
    if (!/^(sower:|\{)/i.test(named)) {
      throw new AppError(
        'BAD_REQUEST',
        'A recipient is an owner key, a SEA key or a card; this is none of them.',
      )
    }
    const card = parseCard(named, this.#clock.nowMs())
    if (card.owner !== this.#owner()) this.#refuseKeysOfAnother(card)
    return { owner: card.owner, pub: card.pub, epub: card.epub }
  }

  /** @returns stops listening */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #bringBack({ name, card: text, addedAtMs }: KeptContact): void {
    try {
      // Whether it was made in the future was asked when it was added, by a clock that may have been another.
      const card = parseCard(text, Infinity)
      const known = this.#row(card.owner)
      if (card.owner === this.#owner()) return
      this.#refuseKeysOfAnother(card)
      if (known !== undefined && Date.parse(card.issuedAt) <= Date.parse(cardOf(known).issuedAt)) return
      this.#write({
        owner: card.owner,
        name: known?.name ?? (plainName(name) || fingerprintOf(card.owner)),
        card: cardJson(card),
        added_at_ms: known?.added_at_ms ?? addedAtMs,
      })
    } catch (error) {
      if (!(error instanceof AppError)) throw error
    }
  }

  #recipient(owner: string): Recipient {
    const row = this.#row(owner)
    if (row === undefined) {
      throw new AppError('BAD_REQUEST', `${fingerprintOf(owner)} is not one of your contacts.`, {
        hint: 'Add their card to your contacts first.',
        details: { owner },
      })
    }
    const { pub, epub } = cardOf(row)
    return { owner, pub, epub }
  }

  /** A card signed by one person with the keys of another would send that other what is meant for the first. */
  #refuseKeysOfAnother(card: Card): void {
    const others = this.#rows().filter(({ owner }) => owner !== card.owner)
    const own = this.#ownKeys()
    const known = [
      ...others.map((row) => ({ keys: cardOf(row), whose: `the keys of your contact “${row.name}”` })),
      ...(own === undefined ? [] : [{ keys: own, whose: 'your own keys' }]),
    ]
    for (const { keys, whose } of known) {
      if (keys.pub !== card.pub && keys.epub !== card.epub) continue
      const message = `This card was refused: it carries ${whose}, under another owner’s name.`
      throw cardInvalid('keys-of-another', message)
    }
  }

  #rows(): Row[] {
    return this.#db.prepare('SELECT owner, name, card, added_at_ms FROM contacts').all() as Row[]
  }

  #row(owner: string): Row | undefined {
    const sql = 'SELECT owner, name, card, added_at_ms FROM contacts WHERE owner = ?'
    return this.#db.prepare(sql).get(owner) as Row | undefined
  }

  #store(row: Row): void {
    this.#write(row)
    this.#tell()
  }

  #write(row: Row): void {
    const sql = `
      INSERT INTO contacts (owner, name, card, added_at_ms) VALUES (@owner, @name, @card, @added_at_ms)
      ON CONFLICT (owner) DO UPDATE SET name = @name, card = @card`
    this.#db.write(() => this.#db.prepare(sql).run(row))
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}

/** What is in the table was verified before it got there. */
function cardOf(row: Row): Card {
  return JSON.parse(row.card) as Card
}

function viewOf(row: Row): Contact {
  const { pub, name, issuedAt } = cardOf(row)
  const cardName = plainName(name ?? '')
  return {
    owner: row.owner,
    name: row.name,
    ...(cardName === '' ? {} : { cardName }),
    pub,
    fingerprint: fingerprintOf(row.owner),
    addedAtMs: row.added_at_ms,
    cardIssuedAtMs: Date.parse(issuedAt),
  }
}

function notAContact(): AppError {
  return new AppError('NOT_FOUND', 'This person is not one of your contacts.')
}
