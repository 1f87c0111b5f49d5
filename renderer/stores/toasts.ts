import { createStore, type StoreApi } from 'zustand/vanilla'
import type { ErrorShape } from '../../app/contract/index.ts'

export interface Toast {
  readonly id: number
  readonly tone: 'plain' | 'good' | 'bad'
  readonly text: string
  readonly detail?: string
  /** One thing to do about it, and how long it stays on offer. */
  readonly action?: { readonly label: string; readonly run: () => void }
  readonly lifeMs: number
}

export interface ToastState {
  readonly toasts: readonly Toast[]
}

export interface Toasts {
  readonly store: StoreApi<ToastState>
  show(toast: Omit<Toast, 'id' | 'lifeMs'> & { readonly lifeMs?: number }): number
  showError(error: ErrorShape, words: (error: ErrorShape) => { title: string; next?: string }): void
  close(id: number): void
  dispose(): void
}

const UNDO_MS = 8_000
const PLAIN_MS = 4_000
const BAD_MS = 10_000

/** Short messages at the bottom; each leaves by itself, the ones with an action later than the others. */
export function createToasts(): Toasts {
  const store = createStore<ToastState>(() => ({ toasts: [] }))
  const timers = new Map<number, ReturnType<typeof setTimeout>>()
  let nextId = 1

  const close = (id: number) => {
    clearTimeout(timers.get(id))
    timers.delete(id)
    store.setState(({ toasts }) => ({ toasts: toasts.filter((toast) => toast.id !== id) }))
  }
  const show: Toasts['show'] = (toast) => {
    const id = nextId++
    const lifeMs =
      toast.lifeMs ?? (toast.action === undefined ? (toast.tone === 'bad' ? BAD_MS : PLAIN_MS) : UNDO_MS)
    store.setState(({ toasts }) => ({ toasts: [...toasts.slice(-2), { ...toast, id, lifeMs }] }))
    timers.set(
      id,
      setTimeout(() => close(id), lifeMs),
    )
    return id
  }
  return {
    store,
    show,
    showError: (error, words) => {
      const { title, next } = words(error)
      const detail = [error.message === title ? '' : error.message, next ?? ''].filter(Boolean).join(' ')
      show({ tone: 'bad', text: title, ...(detail === '' ? {} : { detail }) })
    },
    close,
    dispose: () => {
      for (const timer of timers.values()) clearTimeout(timer)
      timers.clear()
    },
  }
}
