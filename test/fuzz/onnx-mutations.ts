// Seeded damage to ONNX files: of the message (fields dropped, repeated, retyped, exchanged), and of the bytes. The messages'
// own description says what a field may hold, so a mutation is one rule for every kind of field.
import type { DescField, DescMessage, Message } from '@bufbuild/protobuf';
import { ModelProtoSchema } from '../../base/onnx/onnx_pb.js';
import { decodeModel, encodeModel } from '../../base/onnx/proto.js';
import type { Rng } from '../../base/random/rng.js';

/** Values that break assumptions, by kind of field. */
const names = [
  '',
  'x',
  'y',
  'constructor',
  '__proto__',
  'toString',
  'a"b',
  'a\tb\n',
  '../../etc/passwd',
  '\u0000',
  'é'.repeat(300),
];
const operators = ['Add', 'If', 'Loop', 'Constant', 'ConstantOfShape', 'Reshape', 'Expand', 'Div', 'Conv', 'Nothing'];
const integers = [
  -(2n ** 63n),
  -100n,
  -2n,
  -1n,
  0n,
  1n,
  2n,
  3n,
  7n,
  1000n,
  2n ** 16n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 63n - 1n,
];
const numbers = [-2147483648, -1, 0, 1, 2, 6, 7, 9, 10, 16, 21, 26, 99, 65536, 2147483647];

type Fields = Record<string, unknown>;
interface Site {
  readonly message: Fields;
  readonly field: DescField;
}

/** A damaged copy of the file `bytes`: now and then its bytes, else one to three of its fields. */
export function mutate(bytes: Uint8Array, rng: Rng): Uint8Array {
  if (rng.integer(6) === 0) return damagedBytes(bytes, rng);
  try {
    const model = decodeModel(bytes);
    for (let count = 1 + rng.integer(3); count > 0; count--) mutateField(model, rng);
    return encodeModel(model);
  } catch {
    // A fixture that is no model already, or what no protobuf can hold: damage of another kind.
    return damagedBytes(bytes, rng);
  }
}

function damagedBytes(bytes: Uint8Array, rng: Rng): Uint8Array {
  if (bytes.length === 0 || rng.integer(4) === 0) return bytes.slice(0, rng.integer(bytes.length + 1));
  const damaged = bytes.slice();
  for (let count = 1 + rng.integer(8); count > 0; count--) damaged[rng.integer(bytes.length)] = rng.integer(256);
  return damaged;
}

function mutateField(model: Message, rng: Rng): void {
  const sites = [...sitesIn(model as unknown as Fields, ModelProtoSchema)];
  // Names, shapes and types are few among the numbers of weights: draw the kind of field first.
  const kinds = [...new Set(sites.map(({ field }) => String(field)))].sort();
  const kind = kinds[rng.integer(kinds.length)];
  const chosen = sites.filter(({ field }) => String(field) === kind);
  const { message, field } = chosen[rng.integer(chosen.length)]!;
  const other = chosen[rng.integer(chosen.length)]!.message;
  const key = field.localName;
  const holder = field.oneof ? (message[field.oneof.localName] as Fields) : message;
  const at = field.oneof ? 'value' : key;
  if (field.fieldKind === 'list') {
    const list = holder[at] as unknown[];
    const index = rng.integer(Math.max(1, list.length));
    const value = () => changed(list[index], field, rng);
    switch (rng.integer(6)) {
      case 0:
        list.splice(index, 1);
        break;
      case 1:
        list.push(list[index] ?? value());
        break;
      case 2:
        holder[at] = [];
        break;
      case 3:
        list.reverse();
        break;
      case 4:
        [message[key], other[key]] = [other[key], message[key]];
        break;
      default:
        if (field.listKind === 'message') list.splice(index, 1);
        else list[index] = value();
    }
  } else if (rng.integer(4) === 0) delete holder[at];
  else if (field.fieldKind === 'message' || rng.integer(4) === 0)
    [message[key], other[key]] = [other[key], message[key]];
  else holder[at] = changed(holder[at], field, rng);
}

/** Another value of the kind that the field holds. */
function changed(value: unknown, field: DescField, rng: Rng): unknown {
  if (typeof value === 'string' || value === undefined)
    return field.localName === 'opType' ? pick(operators, rng) : pick(names, rng);
  if (typeof value === 'bigint') return pick(integers, rng);
  if (typeof value === 'number') return pick(numbers, rng);
  if (value instanceof Uint8Array) return damagedBytes(value, rng);
  return value;
}

const pick = <T>(values: readonly T[], rng: Rng): T => values[rng.integer(values.length)]!;

/** Every field that is set, in every message within. */
function* sitesIn(message: Fields, schema: DescMessage): Generator<Site> {
  for (const field of schema.fields) {
    const chosen = field.oneof && (message[field.oneof.localName] as { case?: string; value?: unknown });
    if (field.oneof && chosen?.case !== field.localName) continue;
    const value = chosen ? chosen.value : message[field.localName];
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    yield { message, field };
    if (!field.message) continue;
    for (const inner of [value].flat()) yield* sitesIn(inner as Fields, field.message);
  }
}
