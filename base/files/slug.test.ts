// Files that are named after models: one for each model, in letters that every file system takes.
import { describe, expect, test } from 'vitest';
import { Rng } from '../random/rng.js';
import { slug, slugs } from './slug.js';

test('names of the usual kind keep their letters', () => {
  expect(slug('resnet18 · batch 4')).toBe('resnet18-batch-4');
  expect(slug('light_squeezenet')).toBe('light_squeezenet');
  expect(slug('jetson-agx-orin · maxn · fp32')).toBe('jetson-agx-orin-maxn-fp32');
});

describe('different names have different slugs:', () => {
  test.each([
    ['of other scripts', ['модель', 'сеть', '模型', '网络', 'نموذج', '🐈', '🐕']],
    ['that differ in punctuation', ['a+b', 'a/b', 'a b', 'a·b', 'a  b', 'a-b', 'a:b']],
    ['that differ in case', ['Net', 'net', 'NET']],
    ['of nothing but punctuation', ['', '.', '..', '-', '/', '\\', '?', '***']],
    ['that are long', ['x'.repeat(300), 'x'.repeat(301), `${'x'.repeat(300)}y`]],
    ['that look like a slug with a hash', [slug('модель'), 'модель']],
  ])('%s', (_, names) => {
    expectDistinct(names);
  });

  test.each([0, 1, 2])('200 random ones (seed %i)', (seed) => {
    const random = Rng.of(seed, 'slugs');
    const letters = [...'abAB.-_ ·/:+名сé'];
    expectDistinct(
      Array.from({ length: 200 }, () =>
        Array.from({ length: 1 + random.integer(4) }, () => letters[random.integer(letters.length)]!).join(''),
      ),
    );
  });
});

function expectDistinct(names: readonly string[]): void {
  const made = slugs(names);
  const folded = [...made.values()].map((name) => name.toLowerCase());
  expect(new Set(folded).size).toBe(new Set(names).size);
  for (const name of made.values()) expect(name).toMatch(/^[\w.-]{1,140}$/);
  for (const name of names) expect(slug(name)).toMatch(/^[\w.-]{1,140}$/);
}
