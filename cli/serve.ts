// `sparoa-gym serve`: environments for another program; python/sparoa_gym is the client.
import { randomBytes } from 'node:crypto';
import { isatty } from 'node:tty';
import { type Command, Option } from 'commander';
import { UsageError } from '../base/errors/input-error.js';
import '../env/environments.js';
import { defaultLimits, type SocketLimits } from '../env/server/limits.js';
import { serveSocket } from '../env/server/socket.js';
import { serveStdio } from '../env/server/stdio.js';
import type { LoadHandlers } from '../env/server/task-handlers.js';
import { loadPlugins } from '../experiments/plugins.js';
import { nonNegativeInteger, pluginOption, positiveInteger } from './options.js';

interface ServeFlags extends Omit<SocketLimits, 'helloMs'> {
  readonly socket?: number | true;
  /** Seconds. */
  readonly helloTimeout: number;
  readonly plugin?: readonly string[];
}

export function serveCommand(program: Command): void {
  const { maxEnvironments, maxFrameBytes, maxConnections, helloMs } = defaultLimits;
  const limit = (flag: string, description: string, fallback: number) =>
    new Option(`--${flag} <n>`, description)
      .env(`SPAROA_GYM_${flag.toUpperCase().replaceAll('-', '_')}`)
      .argParser(positiveInteger)
      .default(fallback);
  const command = program
    .command('serve')
    .description('offer the environments to another program, such as Python (docs/python.md); over stdin and stdout');
  pluginOption(command)
    .option(
      '--socket [port]',
      'over a socket on 127.0.0.1 instead; without a port any that is free',
      nonNegativeInteger,
    )
    .addOption(limit('max-environments', 'of one client at once, those of vectors counted', maxEnvironments))
    .addOption(limit('max-frame-bytes', 'of one message', maxFrameBytes))
    .addOption(limit('max-connections', 'clients at once, over a socket', maxConnections))
    .addOption(limit('hello-timeout', 'seconds in which a client must say hello, over a socket', helloMs / 1000))
    .addHelpText(
      'after',
      '\nOver a socket a client must know the token: SPAROA_GYM_TOKEN where that is set, else one that is printed.',
    )
    .action(async ({ socket, helloTimeout, plugin = [], ...limits }: ServeFlags) => {
      await loadPlugins(plugin);
      if (socket !== undefined) await listen(socket === true ? 0 : socket, { ...limits, helloMs: helloTimeout * 1000 });
      else if (!isatty(0)) await serveStdio(limits, taskHandlers);
      else
        throw new UsageError(
          'serve: stdin is a terminal; a program talks to this command.',
          'Use `import sparoa_gym` in Python, which starts it, or --socket.',
        );
    });
}

/** Loaded when a client asks for the first baseline or bound: a server that only steps starts without them. */
const taskHandlers: LoadHandlers = async () => (await import('../experiments/serving.js')).taskHandlers;

/** Prints the variables that a client needs, as a shell takes them. */
async function listen(wanted: number, limits: SocketLimits): Promise<void> {
  const given = process.env.SPAROA_GYM_TOKEN;
  const token = given || randomBytes(24).toString('base64url');
  const { port } = await serveSocket(wanted, token, limits, taskHandlers);
  process.stdout.write(`SPAROA_GYM_SOCKET=127.0.0.1:${port}\n${given ? '' : `SPAROA_GYM_TOKEN=${token}\n`}`);
}
