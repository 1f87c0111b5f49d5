/**
 * The bridge, nothing else: names a call or an event by its form, passes plain data, strips Electron's event object.
 * One CommonJS file, as the sandbox demands; the contract comes in as types only.
 */
import { contextBridge, ipcRenderer, webUtils } from 'electron'

const CALL_CHANNEL = 'sower:call'
const EVENT_CHANNEL = 'sower:event'
const NAME = /^[a-z]+\.[a-zA-Z]+$/

type Listener = (payload: unknown) => void
const listeners = new Map<string, Set<Listener>>()

ipcRenderer.on(EVENT_CHANNEL, (_event, name: unknown, payload: unknown) => {
  if (typeof name !== 'string') return
  for (const listener of listeners.get(name) ?? []) listener(payload)
})

contextBridge.exposeInMainWorld('sower', {
  call: (name: string, args: unknown): Promise<unknown> => {
    if (!NAME.test(name)) return Promise.reject(new TypeError('no such call'))
    return ipcRenderer.invoke(CALL_CHANNEL, name, args)
  },
  on: (name: string, listener: Listener): (() => void) => {
    if (!NAME.test(name)) throw new TypeError('no such event')
    const set = listeners.get(name) ?? new Set<Listener>()
    listeners.set(name, set.add(listener))
    return () => set.delete(listener)
  },
  pathForFile: (file: File): string => webUtils.getPathForFile(file),
  mediaUrl: (mediaId: string): string => `sower-media://item/${mediaId}`,
  transferUrl: (transferId: string): string => `sower-media://transfer/${encodeURIComponent(transferId)}`,
  platform: process.platform,
})
