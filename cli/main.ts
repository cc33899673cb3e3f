#!/usr/bin/env node
// The program `sparoa-gym`.
import { runCommandLine } from './program.js';

const exitCode = await runCommandLine(process.argv.slice(2));
// A command that supervises another process may have set its own.
if (exitCode !== 0) process.exitCode = exitCode;
