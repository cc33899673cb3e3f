// The commands of the group `device` keep their old names, without the group's, as hidden aliases.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../base/files/paths.js';
import { deviceCommands } from '../cli/program.js';
import { inProcess as here } from './fixtures/in-process.js';

const folder = mkdtempSync(join(tmpdir(), 'sparoa-device-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const archive = join(packageRoot, 'test', 'fixtures', 'fuzz', 'kit.tar.gz');

describe.each(Object.keys(deviceCommands))('sparoa-gym %s is sparoa-gym device %s', (name) => {
  const both = async (...args: string[]) => [await here([name, ...args]), await here(['device', name, ...args])];

  test('in its help, which shows the name with the group', async () => {
    const [old, present] = await both('--help');
    expect(old).toEqual(present);
    expect(present).toMatchObject({ status: 0, stdout: expect.stringContaining(`Usage: sparoa-gym device ${name}`) });
    expect(await here(['help', name])).toEqual(present);
    expect(await here(['device', 'help', name])).toEqual(present);
  });

  test('in what it refuses', async () => {
    const [old, present] = await both('--no-such-option');
    expect(old).toEqual(present);
    expect(present).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('--no-such-option') });
  });
});

describe('both names of a command do the same:', () => {
  test.each([
    [0, ['kit', '--read', archive]],
    [0, ['kit', '--read', archive, '--json']],
    [1, ['kit', '--read', 'absent.tar.gz']],
    [1, ['profile', 'absent.onnx', '--devices', 'cpu:1+cpu:1']],
    [1, ['calibrate', '--devices', 'cpu:1+cpu:1', '--from', 'absent']],
    [1, ['fidelity', 'profile://jetson-orin-nano']],
    [1, ['fit-profiles', 'absent']],
    [2, ['telemetry', '--seconds', '0']],
  ])('exit code %i: %j', async (status, args) => {
    const old = await here(args);
    expect(await here(['device', ...args])).toEqual(old);
    expect(old.status).toBe(status);
  });
});

describe('the group', () => {
  test('is one line of the root help, without the old names', async () => {
    const commands = /Commands:\n([\s\S]*)/.exec((await here(['--help'])).stdout)![1]!;
    expect(commands).toMatch(/^ {2}device /m);
    for (const name of Object.keys(deviceCommands)) expect(commands).not.toMatch(new RegExp(`^  ${name} `, 'm'));
  });

  test('prints its help when no command is named, as the root does', async () => {
    const { stderr, status } = await here(['device']);
    expect([status, stderr]).toEqual([2, (await here(['device', '--help'])).stdout]);
    expect((await here([])).status).toBe(2);
    for (const name of Object.keys(deviceCommands)) expect(stderr).toMatch(new RegExp(`^  ${name} `, 'm'));
  });

  test('says what a misspelt name may have been, with and without the group', async () => {
    for (const args of [['fidelty'], ['device', 'fidelty']])
      expect((await here(args)).stderr).toBe("error: unknown command 'fidelty'\n(Did you mean fidelity?)\n");
    expect((await here(['devcie'])).stderr).toContain('(Did you mean device?)');
  });
});

describe('old names of options', () => {
  test('--judge of fidelity is --kit', async () => {
    const compare = async (flag: string) => {
      const out = join(folder, flag);
      const uri = 'profile://jetson-orin-nano?launch=graph';
      const ending = await here(['device', 'fidelity', uri, flag, archive, '--out', out]);
      const files = readdirSync(out).map((name) => [name, readFileSync(join(out, name), 'base64')]);
      return { ...ending, stderr: ending.stderr.replaceAll(out, ''), files };
    };
    const old = await compare('--judge');
    const present = await compare('--kit');
    expect(old).toEqual(present);
    expect(present).toMatchObject({ status: 0, stdout: expect.stringContaining('| noise |') });
  });

  test('--judge of calibrate is --hold-out', async () => {
    const of = (flag: string) => here(['device', 'calibrate', '--from', archive, flag, 'absent.onnx', '--out', folder]);
    const old = await of('--judge');
    expect(old).toEqual(await of('--hold-out'));
    expect(old).toMatchObject({ status: 1, stderr: expect.stringContaining('absent.onnx') });
  });

  test.each([
    ['fidelity', '--judge', '--kit'],
    ['calibrate', '--judge', '--hold-out'],
  ])('of %s, %s is not in the help and does not stand beside %s', async (name, old, present) => {
    const help = (await here(['device', name, '--help'])).stdout;
    expect(help).toContain(present);
    expect(help).not.toContain(old);
    const both = await here(['device', name, old, 'a', present, 'b']);
    expect(both).toMatchObject({ status: 2, stderr: expect.stringContaining('cannot be used with') });
  });
});
