// The commands of the group `device` keep their old names, without the group's, as hidden aliases.
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { packageRoot } from '../base/files/paths.js';
import { deviceCommands } from '../cli/program.js';
import { inProcess as here } from './fixtures/in-process.js';

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
