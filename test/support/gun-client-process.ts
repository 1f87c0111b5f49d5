import Gun from 'gun'

// A plain client of the gun package, as anybody writes one: `Gun({ peers: [url] })`. Asked over its pipe.
interface Chain {
  get(key: string): Chain
  put(value: unknown, acknowledged?: (ack: { err?: unknown }) => void): Chain
  once(read: (value: unknown) => void, options?: { wait: number }): Chain
  map(): Chain
  user(pub: string): Chain
}
const [url = '', file = 'radata'] = process.argv.slice(2)
// The package's own types know neither `file` nor these switches.
const gun = new (Gun as unknown as new (given: object) => Chain)({
  peers: [url],
  file,
  axe: false,
  multicast: false,
  stats: false,
})

interface Order {
  readonly id: number
  readonly call: 'once' | 'map' | 'put'
  readonly path: readonly string[]
  readonly user?: string
  readonly value?: unknown
  readonly waitMs?: number
}
process.on('message', ({ id, call, path, user, value, waitMs = 1_000 }: Order) => {
  const root = user === undefined ? gun : gun.user(user)
  const chain = path.reduce((at, key) => at.get(key), root)
  const reply = (found: unknown): void =>
    void process.send?.({ id, value: JSON.parse(JSON.stringify(found ?? null)) as unknown })
  if (call === 'once') chain.once(reply, { wait: waitMs })
  else if (call === 'put') {
    let isAcked = false
    chain.put(value, ({ err }) => {
      // Its own disk and the relay both answer; the relay's comes a moment later.
      if (!isAcked) setTimeout(() => reply(err ?? 'ok'), 500)
      isAcked = true
    })
  } else {
    const found: unknown[] = []
    chain.map().once((each) => void found.push(each))
    setTimeout(() => reply(found), waitMs)
  }
})
process.send?.({ id: 0 })
