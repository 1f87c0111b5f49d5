import Gun from 'gun'

// The gun package's own client, for comparison: writes and reads as fast as `inFlight` at once allow. Given a pair's user, it
// writes into that user's space, where gun's own SEA signs.
interface Chain {
  get(key: string): Chain
  put(value: unknown, acknowledged: (ack: { err?: unknown }) => void): Chain
  on(
    read: (
      value: Record<string, unknown> | undefined,
      key: string,
      message: unknown,
      event: { off(): void },
    ) => void,
  ): Chain
  user(): { auth(pair: object, done: () => void): void }
}
interface Order {
  readonly call: 'put' | 'on'
  readonly nodes: readonly { readonly path: readonly string[]; readonly value?: unknown }[]
  readonly inFlight: number
  readonly limitMs: number
}
const [url = '', file = 'radata', isUser] = process.argv.slice(2)
// The package's own types know neither `file` nor these switches, and not that SEA comes along in Node.
const Package = Gun as unknown as (new (given: object) => Chain) & {
  readonly SEA: { pair(): Promise<{ pub: string }> }
}
const gun = new Package({ peers: [url], file, axe: false, multicast: false, stats: false })

process.on('message', ({ call, nodes, inFlight, limitMs }: Order) => {
  let next = 0
  let done = 0
  const startedAtMs = performance.now()
  const limit = setTimeout(report, limitMs)
  function report(): void {
    clearTimeout(limit)
    const peakMiB = process.resourceUsage().maxRSS / 1024
    process.send?.({ done, seconds: (performance.now() - startedAtMs) / 1000, peakMiB })
  }
  const work = (): void => {
    const node = nodes[next++]
    if (node === undefined) return
    const chain = node.path.reduce((at, key) => at.get(key), gun)
    let isOver = false
    const over = (): void => {
      if (isOver) return
      isOver = true
      done += 1
      if (done === nodes.length) report()
      else work()
    }
    if (call === 'put') chain.put(node.value, over)
    else {
      // `once` waits a fixed time; this is as fast as it can be.
      chain.on((value, _key, _message, event) => {
        if (value?.['manifest'] === undefined) return
        event.off()
        over()
      })
    }
  }
  for (let i = 0; i < inFlight; i += 1) work()
})

if (isUser === undefined) process.send?.({ pub: '' })
else {
  const pair = await Package.SEA.pair()
  gun.user().auth(pair, () => process.send?.({ pub: pair.pub }))
}
