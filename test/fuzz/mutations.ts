// Seeded damage to files: what a transfer, an editor or somebody with bad intent does to them.
import type { Rng } from '../../base/random/rng.js';

/** One to three kinds of damage to bytes: cut, changed, swapped, doubled, filled. */
export function damageBytes(bytes: Uint8Array, random: Rng): Uint8Array {
  let damaged = Uint8Array.from(bytes);
  for (let times = 1 + random.integer(3); times > 0 && damaged.length > 0; times--) {
    const [a, b] = [random.integer(damaged.length), random.integer(damaged.length)].sort((x, y) => x - y) as [
      number,
      number,
    ];
    const parts = { before: damaged.slice(0, a), section: damaged.slice(a, b), after: damaged.slice(b) };
    const { before, section, after } = parts;
    switch (random.integer(6)) {
      case 0:
        damaged = damaged.slice(0, a);
        break;
      case 1:
        for (let flips = 1 + random.integer(8); flips > 0; flips--)
          damaged[random.integer(damaged.length)]! ^= 1 << random.integer(8);
        break;
      case 2:
        damaged = joined(before, after);
        break;
      case 3:
        damaged = joined(before, section, section, after);
        break;
      case 4:
        damaged = joined(after, section, before);
        break;
      default:
        damaged.fill([0, 0xff, 0x20, 0x39][random.integer(4)]!, a, Math.min(b, a + 8));
    }
  }
  return damaged;
}

const joined = (...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.concat(parts));

/** What takes a value's place. */
const strangers: readonly unknown[] = [
  null, true, '', 's', '__proto__', 'constructor', '../../x', 'file:///etc/passwd', 'a\nb\u001b[2J', 'NaN', '9'.repeat(400),
  0, -1, 1, 0.5, -0, 1e-320, 1e15, 2 ** 53, 1e308, -1e308, [], {}, [[null]], { toString: 1 }, Array(300).fill(1),
]; // biome-ignore format: a list

/** One to three values of a JSON document dropped, replaced, doubled or renamed; as text, since JSON knows doubled keys. */
export function damageJson(json: unknown, random: Rng): string {
  const copy = structuredClone(json);
  for (let times = 1 + random.integer(3); times > 0; times--) {
    const holders = containers(copy);
    const holder = holders[random.integer(holders.length)]!;
    const keys = Object.keys(holder);
    const key = keys[random.integer(keys.length)];
    if (key === undefined) continue;
    const value = holder[key];
    switch (random.integer(5)) {
      case 0:
        if (Array.isArray(holder)) holder.splice(Number(key), 1);
        else delete holder[key];
        break;
      case 1:
        if (Array.isArray(holder)) holder.push(value);
        else define(holder, ['__proto__', 'constructor', `${key}x`, 'toString'][random.integer(4)]!, value);
        break;
      default:
        holder[key] = structuredClone(strangers[random.integer(strangers.length)]);
    }
  }
  const text = JSON.stringify(copy, null, random.integer(2));
  // Infinity once it is read.
  return random.integer(20) === 0 ? text.replace(/\d+(\.\d+)?/, '1e999') : text;
}

type Container = Record<string, unknown>;

function containers(value: unknown): Container[] {
  if (value === null || typeof value !== 'object') return [];
  return [value as Container, ...Object.values(value).flatMap(containers)];
}

/** An own property, also of the name `__proto__`. */
const define = (holder: Container, key: string, value: unknown) =>
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });

/** Cells of a table replaced, rows doubled or dropped; the header stays in most. */
export function damageCsv(text: string, random: Rng): string {
  const rows = text
    .trimEnd()
    .split('\n')
    .map((line) => line.split(','));
  for (let times = 1 + random.integer(3); times > 0; times--) {
    const row = rows[Math.min(rows.length - 1, random.integer(rows.length + 1))]!;
    const cell = random.integer(row.length);
    switch (random.integer(5)) {
      case 0:
        rows.splice(random.integer(rows.length), 1, [...row]);
        break;
      case 1:
        row.splice(cell, 1);
        break;
      default:
        row[cell] = String(strangers[random.integer(strangers.length - 6)]);
    }
  }
  return `${rows.map((row) => row.join(',')).join('\n')}\n`;
}
