/** Wall time for what people see and sign; tests pass their own. Intervals use timers, never wall time. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number
}

export const systemClock: Clock = { nowMs: () => Date.now() }
