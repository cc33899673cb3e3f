// What two variants do not have in common, and which is therefore left out when they are compared: a sentence each.
import { groupBy, type ResultRow } from '../results/summary.js';

/** Two cells are one if all of this is the same. */
export const comparedCell = ({ env, model, modelHash, profile, profileHash, kind, execution }: ResultRow) => [
  env,
  model,
  modelHash,
  profile,
  // Without a profile the hash is of the environment's options, which variants may differ in.
  profile === '' ? '' : profileHash,
  kind,
  execution,
];

const contents = ['modelHash', 'profileHash', 'kind', 'execution'] as const;

/** The rows of one variant, by what the comparison calls it. */
export interface LabelledRows {
  readonly label: string;
  readonly rows: readonly ResultRow[];
}

/** @returns sentences; empty where each value of one has a partner in the other */
export function differencesOf(own: LabelledRows, reference: LabelledRows): string[] {
  const cellOf = ({ env, model, profile }: ResultRow) => JSON.stringify([env, model, profile]);
  return inBoth(
    own,
    reference,
    cellOf,
    ([row]) => cellName(row!),
    '',
    (mine, theirs) => {
      const [a, b] = [mine.rows[0]!, theirs.rows[0]!];
      const name = cellName(a);
      if (JSON.stringify(comparedCell(a)) !== JSON.stringify(comparedCell(b)))
        return contents
          .filter((field) => a[field] !== b[field])
          .map((field) => `${name}: ${field} is ${a[field]} in ${own.label}, ${b[field]} in ${reference.label}`);
      return inBoth(
        mine,
        theirs,
        ({ scheduler }) => scheduler,
        ([row]) => row!.scheduler,
        `${name}: `,
        (ours, others) => schedulerDifferences(ours, others, `${name}: ${ours.rows[0]!.scheduler}: `),
      );
    },
  );
}

function schedulerDifferences(own: LabelledRows, reference: LabelledRows, where: string): string[] {
  const fields = ['seed', 'episode', 'metric'] as const;
  const none = () => [];
  const whole = fields.flatMap((field) =>
    inBoth(
      own,
      reference,
      (row) => String(row[field]),
      ([row]) => `${field} ${row![field]}`,
      where,
      none,
    ),
  );
  // What lacks a partner although its seed, episode and metric are in both.
  const shared = (rows: readonly ResultRow[], others: readonly ResultRow[]) =>
    fields.reduce<readonly ResultRow[]>((left, field) => {
      const known = new Set(others.map((row) => row[field]));
      return left.filter((row) => known.has(row[field]));
    }, rows);
  const single = inBoth(
    { ...own, rows: shared(own.rows, reference.rows) },
    { ...reference, rows: shared(reference.rows, own.rows) },
    ({ seed, episode, metric }) => JSON.stringify([seed, episode, metric]),
    ([row]) => `${row!.metric} of seed ${row!.seed} in episode ${row!.episode}`,
    where,
    none,
  );
  return [...whole, ...single];
}

/** Sentences of the keys that only one of the two has, and what `compare` finds where both have them. */
function inBoth(
  own: LabelledRows,
  reference: LabelledRows,
  keyOf: (row: ResultRow) => string,
  nameOf: (rows: readonly ResultRow[]) => string,
  where: string,
  compare: (own: LabelledRows, reference: LabelledRows) => string[],
): string[] {
  const [mine, theirs] = [own, reference].map(({ rows }) => groupBy(rows, keyOf)) as [
    Map<string, ResultRow[]>,
    Map<string, ResultRow[]>,
  ];
  const onlyIn = (side: LabelledRows, groups: typeof mine, others: typeof mine) => {
    const names = [...groups].flatMap(([key, rows]) => (others.has(key) ? [] : [nameOf(rows)]));
    return names.length === 0 ? [] : [`${where}${shortList(names)} only in ${side.label}`];
  };
  return [
    ...onlyIn(own, mine, theirs),
    ...onlyIn(reference, theirs, mine),
    ...[...mine].flatMap(([key, rows]) => {
      const others = theirs.get(key);
      return others ? compare({ ...own, rows }, { ...reference, rows: others }) : [];
    }),
  ];
}

const mostNames = 8;

function shortList(names: readonly string[]): string {
  const more = names.length > mostNames ? ` and ${names.length - mostNames} more` : '';
  return `${names.slice(0, mostNames).join(', ')}${more}`;
}

function cellName({ env, model, profile }: ResultRow): string {
  return model === '' ? env : `${env}, ${model} on ${profile}`;
}
