// The command line without a process of its own, which would take half a second to start.
import { vi } from 'vitest';
import { runCommandLine } from '../cli/program.js';

export async function inProcess(args: readonly string[]) {
  const written = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((chunk) => {
      written[name] += chunk;
      return true;
    }),
  );
  const status = await runCommandLine(args).finally(() => {
    for (const spy of spies) spy.mockRestore();
  });
  return { status, ...written };
}
