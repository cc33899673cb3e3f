import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { shellCommand } from './shell.js';

test('plain words stay as they are', () => {
  expect(shellCommand(['sparoa-gym', 'run', 'a/b.yaml', '--set', 'agent.gamma=0.95'])).toBe(
    'sparoa-gym run a/b.yaml --set agent.gamma=0.95',
  );
});

test.skipIf(process.platform === 'win32')('a shell reads back the words that were given', () => {
  const words = ['my net.onnx', "o'neil", 'profile://x?mode=15w&launch=eager', '', '$HOME', '#1', 'a\nb', '*'];
  const script = `printf '%s\\0' ${shellCommand(words)}`;
  expect(execFileSync('sh', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1)).toEqual(words);
});
