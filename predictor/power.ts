// The energy of an execution from the power of a board's states. Public meters see whole systems, so a board has one rail here.
// A device that works adds what the board draws while it works alone, above idle: two that work at once add up.
import type { PowerModel } from './profiles/profile.js';

/** How long an execution was in each state, ms. */
export interface Usage {
  readonly makespanMs: number;
  /** Of each device: kernels, launches and waits for it. */
  readonly busyMs: readonly [number, number];
  /** Moves of tensors between devices. */
  readonly movingMs: number;
}

/** mJ by rail, as traces have it: `system` is the whole board at its supply. W x ms = mJ. */
export function energyOfUsage(power: PowerModel, { makespanMs, busyMs, movingMs }: Usage): { readonly system: number } {
  const { idleW, busyW, movingW } = power;
  const above = (watts: number) => Math.max(0, watts - idleW);
  return {
    system: idleW * makespanMs + above(busyW[0]) * busyMs[0] + above(busyW[1]) * busyMs[1] + above(movingW) * movingMs,
  };
}

/** Power while only this device works, and while a tensor moves, W: never less than idle. */
export function activeW({ idleW, busyW, movingW }: PowerModel): {
  readonly busyW: readonly [number, number];
  readonly movingW: number;
} {
  const atLeastIdle = (watts: number) => Math.max(idleW, watts);
  return { busyW: [atLeastIdle(busyW[0]), atLeastIdle(busyW[1])], movingW: atLeastIdle(movingW) };
}
