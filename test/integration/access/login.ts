import { loginMessage } from '../../../app/vault/index.ts'
import type { OwnerSigner } from '../../../app/manifest/index.ts'
import { ask, json } from '../http/test-node.ts'
import type { Answer } from '../http/test-node.ts'

export function post(url: string, value: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  return ask(url, {
    method: 'POST',
    body: JSON.stringify(value),
    headers: { 'content-type': 'application/json', ...headers },
  })
}

export async function challengeFor(nodeUrl: string, publicKey: string): Promise<string> {
  return (json(await post(`${nodeUrl}/api/auth/challenge`, { publicKey })) as { challenge: string }).challenge
}

/** What a client sends to get its token: the challenge signed for the host it believes to talk to. */
export function proofOf(
  signer: OwnerSigner,
  host: string,
  challenge: string,
): { publicKey: string; challenge: string; signature: string } {
  const signature = Buffer.from(signer.sign(loginMessage(host, challenge))).toString('base64url')
  return { publicKey: signer.publicKey, challenge, signature }
}

/** A token from `nodeUrl`, by the same two requests any client makes. */
export async function logIn(nodeUrl: string, signer: OwnerSigner): Promise<string> {
  const challenge = await challengeFor(nodeUrl, signer.publicKey)
  const proof = proofOf(signer, new URL(nodeUrl).host, challenge)
  const answer = await post(`${nodeUrl}/api/auth/token`, proof)
  if (answer.status !== 200) throw new Error(`no token: ${answer.body.toString()}`)
  return (json(answer) as { token: string }).token
}
