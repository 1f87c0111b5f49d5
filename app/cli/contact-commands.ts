import { AppError } from '../contract/index.ts'
import type { Contact } from '../contract/index.ts'
import type { NodeConnection } from './connection.ts'
import { withNode } from './context.ts'
import type { Context } from './context.ts'
import { formatTable } from './format.ts'
import { cardOf, findPersonOrCard } from './people.ts'
import { readSecret } from './secret-input.ts'

/** `sower contacts ls`. */
export async function listContactsCommand(context: Context): Promise<void> {
  await withNode(context, async (node) => {
    const { contacts } = await node.call('contacts.list', {})
    const rows = contacts.map(({ fingerprint, owner, name }) => [fingerprint, owner, name])
    const text =
      rows.length === 0
        ? 'Nobody yet. Add somebody by their card: “sower contacts add CARD”.'
        : formatTable([['FINGERPRINT', 'OWNER', 'NAME'], ...rows])
    context.terminal.result(contacts, text)
  })
}

/** `sower contacts add CARD`: a link, a file, or `-` for standard input. */
export async function addContactCommand(
  context: Context,
  given: string,
  { name }: { readonly name?: string },
): Promise<void> {
  const card = given === '-' ? await readSecret('-', 'a card') : ((await cardOf(given)) ?? '')
  if (card.trim() === '') {
    throw new AppError('BAD_REQUEST', `“${given}” is neither a card’s link nor a file.`, {
      hint: 'Give a sower://card/… link, the file of a card, or - to read it from standard input.',
    })
  }
  await withNode(context, async (node) => {
    const contact = await node.call('contacts.add', {
      card: card.trim(),
      ...(name === undefined ? {} : { name }),
    })
    context.terminal.result(contact, `${contact.name}: ${contact.fingerprint}`)
    context.terminal.say('Compare the fingerprint with them, by a way you trust.')
  })
}

/** `sower contacts rm PERSON`. */
export async function removeContactCommand(context: Context, person: string): Promise<void> {
  await withNode(context, async (node) => {
    const { owner, name } = await findContact(node, person)
    await node.call('contacts.remove', { owner })
    context.terminal.result(
      { removed: owner },
      `${name} is no longer a contact. What was shared stays shared.`,
    )
  })
}

/** `sower contacts rename PERSON NAME`. */
export async function renameContactCommand(context: Context, person: string, name: string): Promise<void> {
  await withNode(context, async (node) => {
    const { owner } = await findContact(node, person)
    const contact = await node.call('contacts.rename', { owner, name })
    context.terminal.result(contact, `${contact.name}: ${contact.fingerprint}`)
  })
}

async function findContact(node: NodeConnection, person: string): Promise<Contact> {
  const { contacts } = await node.call('contacts.list', {})
  return findPersonOrCard(node, contacts, person, 'your contacts')
}
