import { useCallback, useEffect, useState } from 'react'
import type { Settings } from '../../app/contract/index.ts'
import { useApp, useNode } from '../app-context.ts'
import { errorWords } from '../strings/error-words.ts'

export interface SettingState<K extends keyof Settings> {
  readonly value: Settings[K] | undefined
  /** Set elsewhere, so it can't be changed here. */
  readonly fixedBy: 'flag' | 'environment' | undefined
  readonly isSaved: boolean
  readonly error: string | undefined
  readonly save: (value: Settings[K]) => Promise<boolean>
}

const SAVED_SHOWN_MS = 2_000

/** One setting: its value, who fixed it, and how the last change went. */
export function useSetting<K extends keyof Settings>(key: K): SettingState<K> {
  const app = useApp()
  const settings = useNode((state) => state.settings)
  const [isSaved, setIsSaved] = useState(false)
  const [error, setError] = useState<string>()
  useEffect(() => {
    if (!isSaved) return
    const timer = setTimeout(() => setIsSaved(false), SAVED_SHOWN_MS)
    return () => clearTimeout(timer)
  }, [isSaved])
  const save = useCallback(
    async (value: Settings[K]) => {
      const patch: Partial<Settings> = {}
      patch[key] = value
      const reply = await app.node.save(patch)
      setIsSaved(reply.ok)
      if (reply.ok) setError(undefined)
      else {
        const { title, next } = errorWords(reply.error)
        setError(
          [title, reply.error.message === title ? '' : reply.error.message, next].filter(Boolean).join(' '),
        )
      }
      return reply.ok
    },
    [app, key],
  )
  return { value: settings?.values[key], fixedBy: settings?.fixedBy[key], isSaved, error, save }
}
