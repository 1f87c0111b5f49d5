import type { TransferSource } from '../contract/index.ts'
import type { Segment } from './plan.ts'

/** What the user is told about each source of one transfer; a source once dropped stays so. */
export class SourceBoard {
  readonly #rows = new Map<string, TransferSource>()
  readonly #remarks = new Map<string, string>()
  readonly #kinds = new Map<string, TransferSource['kind']>()

  constructor(refused: Readonly<Record<string, string>>) {
    for (const [label, note] of Object.entries(refused)) this.set(label, 'dropped', note)
  }

  /** What kind of road these are; HTTP unless it was said. */
  know(sources: readonly Pick<TransferSource, 'kind' | 'label'>[]): void {
    for (const { label, kind } of sources) {
      this.#kinds.set(label, kind)
      const row = this.#rows.get(label)
      if (row !== undefined) this.#rows.set(label, { ...row, kind })
    }
  }

  set(label: string, state: TransferSource['state'], note?: string): void {
    const before = this.#rows.get(label)
    if (before?.state === 'dropped' && state !== 'dropped') return
    const kept = note ?? (state === 'active' ? undefined : before?.note)
    this.#rows.set(label, {
      kind:
        before?.kind ??
        this.#kinds.get(label) ??
        (label === 'swarm' ? 'torrent' : label.startsWith('network') ? 'gun' : 'http'),
      label,
      state,
      bytes: before?.bytes ?? 0,
      ...(kept === undefined ? {} : { note: kept }),
    })
  }

  /** Something about a source that stays true whatever becomes of it; shown when there is nothing newer to say. */
  remark(label: string, note: string): void {
    this.#remarks.set(label, note)
  }

  /** The sources as the swarm sees them; notes from before stay where it has none. */
  take(sources: readonly TransferSource[]): void {
    for (const source of sources) {
      const before = this.#rows.get(source.label)
      const note = source.note ?? (source.label === 'swarm' ? undefined : before?.note)
      if (before?.state === 'dropped') continue
      this.#rows.set(source.label, { ...source, ...(note === undefined ? {} : { note }) })
    }
  }

  /** How much of it one source has given in all. */
  gave(label: string, bytes: number): void {
    const row = this.#rows.get(label)
    if (row !== undefined) this.#rows.set(label, { ...row, bytes })
  }

  /** Bytes by who gave them over plain HTTP. */
  count(segments: readonly Segment[]): void {
    const bytes = new Map<string, number>()
    for (const { label, start, end } of segments) bytes.set(label, (bytes.get(label) ?? 0) + end - start)
    for (const [label, sum] of bytes) {
      const row = this.#rows.get(label)
      if (row !== undefined) this.#rows.set(label, { ...row, bytes: sum })
    }
  }

  view(): TransferSource[] {
    return [...this.#rows.values()].map((row) => {
      const note = row.note ?? this.#remarks.get(row.label)
      return note === undefined ? row : { ...row, note }
    })
  }

  /** Who gave bytes. */
  givers(): string[] {
    return this.view().flatMap(({ label, bytes }) => (bytes > 0 ? [label] : []))
  }

  notes(): string[] {
    return this.view().flatMap(({ note }) => (note === undefined ? [] : [note]))
  }
}
