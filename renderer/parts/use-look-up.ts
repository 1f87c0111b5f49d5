import { useEffect, useState } from 'react'
import type { Reply } from '../../app/contract/index.ts'

/** Asks about what is typed once nothing was typed for a moment. */
const LOOK_UP_AFTER_MS = 200

/**
 * What `ask` said of exactly `text`; null while it is empty or the answer is still out.
 * @param ask the same from one drawing to the next; another one is asked anew
 */
export function useLookUp<T>(text: string, ask: (text: string) => Promise<Reply<T>>): Reply<T> | null {
  const [last, setLast] = useState<{ readonly text: string; readonly reply: Reply<T> } | null>(null)
  useEffect(() => {
    if (text === '') return
    let isStale = false
    const timer = setTimeout(() => {
      void ask(text).then((reply) => {
        if (!isStale) setLast({ text, reply })
      })
    }, LOOK_UP_AFTER_MS)
    return () => {
      isStale = true
      clearTimeout(timer)
    }
  }, [text, ask])
  return last !== null && last.text === text ? last.reply : null
}
