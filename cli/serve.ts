// `sparoa-gym serve`: environments for another program; python/sparoa_gym is the client.
import { randomBytes } from 'node:crypto';
import { isatty } from 'node:tty';
import type { Command } from 'commander';
import { UsageError } from '../base/errors/input-error.js';
import '../env/scheduling/environments.js';
import { serveSocket } from '../env/server/socket.js';
import { serveStdio } from '../env/server/stdio.js';
import { nonNegativeInteger } from './options.js';

export function serveCommand(program: Command): void {
  program
    .command('serve')
    .description('offer the environments to another program, such as Python (docs/python.md); over stdin and stdout')
    .option(
      '--socket [port]',
      'over a socket on 127.0.0.1 instead; without a port any that is free',
      nonNegativeInteger,
    )
    .addHelpText(
      'after',
      '\nOver a socket a client must know the token: SPAROA_GYM_TOKEN where that is set, else one that is printed.',
    )
    .action(async ({ socket }: { socket?: number | true }) => {
      if (socket !== undefined) await listen(socket === true ? 0 : socket);
      else if (!isatty(0)) await serveStdio();
      else
        throw new UsageError(
          'serve: stdin is a terminal; a program talks to this command.',
          'Use `import sparoa_gym` in Python, which starts it, or --socket.',
        );
    });
}

/** Prints the variables that a client needs, as a shell takes them. */
async function listen(wanted: number): Promise<void> {
  const given = process.env.SPAROA_GYM_TOKEN;
  const token = given || randomBytes(24).toString('base64url');
  const { port } = await serveSocket(wanted, token);
  process.stdout.write(`SPAROA_GYM_SOCKET=127.0.0.1:${port}\n${given ? '' : `SPAROA_GYM_TOKEN=${token}\n`}`);
}
