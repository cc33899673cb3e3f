// Factors of interference are numbers that a profile need not have; a URI gives them to any.
import { expect, test } from 'vitest';
import { InputError } from '../../base/errors/input-error.js';
import { loadProfile } from './profile.js';

const uri = 'profile://jetson-orin-nano';

test('a URI gives one factor or both, the other is 1; only the hash of overlap execution changes', () => {
  const plain = loadProfile(uri);
  expect(plain.shared).not.toHaveProperty('interference');
  const given = loadProfile(`${uri}?shared.interference.device1=2.1`);
  expect(given.shared!.interference).toEqual([1, 2.1]);
  expect(given.hash).toBe(plain.hash);
  expect(given.weakestSource).toBe(plain.weakestSource);
  expect(given.shared!.hash).not.toBe(plain.shared!.hash);
  expect(given.shared!.weakestSource).toBe('assumed');
  expect(given.constants.find(({ name }) => name === 'shared.interference.device1')).toMatchObject({ value: '2.1' });
  expect(loadProfile(`${uri}?shared.interference.device0=x3`).shared!.interference).toEqual([3, 1]);
});

test.each(['0.5', '-1', 'nan', '2 ms', '1e9', ''])('the factor "%s" is an error', (value) => {
  expect(() => loadProfile(`${uri}?shared.interference.device0=${value}`)).toThrow(InputError);
});

test('a budget of power leaves what it leaves above idle, shared by what the devices draw above idle', () => {
  const stated = `${uri}${uri.includes('?') ? '&' : '?'}power.idle=5W&power.device0=15W&power.device1=25W`;
  const powerRate = (budget: string) => loadProfile(`${stated}&shared.powerBudget=${budget}`).shared!.powerRate;
  expect(loadProfile(stated).shared).not.toHaveProperty('powerRate');
  // Above idle the devices draw 10 and 20 W.
  expect(powerRate('20W')).toBeCloseTo(15 / 30, 12);
  expect(powerRate('35W')).toBe(1);
  expect(powerRate('90W')).toBe(1);
  expect(() => powerRate('5W')).toThrow(/idles at 5 W/);
  const { hash, shared } = loadProfile(`${stated}&shared.powerBudget=20W`);
  expect(hash).toBe(loadProfile(stated).hash);
  expect(shared!.hash).not.toBe(loadProfile(stated).shared!.hash);
  expect(shared!.weakestSource).toBe('assumed');
});
