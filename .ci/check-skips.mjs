// Compares the tests that a run skipped with those that are expected to be: `<full test name>  # <reason>` a line.
import { readFileSync } from 'node:fs';

const [report, expected, mode] = process.argv.slice(2);
const tests = JSON.parse(readFileSync(report, 'utf8')).testResults.flatMap((file) => file.assertionResults);
const count = (...states) => tests.filter(({ status }) => states.includes(status)).length;
if (mode === '--counts') {
  console.log(
    `${count('passed')} passed, ${count('failed')} failed, ${count('pending', 'skipped', 'todo', 'disabled')} skipped`,
  );
} else {
  const listed = new Set(
    readFileSync(expected, 'utf8')
      .split('\n')
      .map((line) => line.replace(/\s*#.*$/, '').trim())
      .filter(Boolean),
  );
  const skipped = tests
    .filter(({ status }) => !['passed', 'failed'].includes(status))
    .map(({ fullName }) => fullName.trim());
  const unlisted = skipped.filter((name) => !listed.has(name));
  for (const name of unlisted) console.error(`skipped, but not in ${expected}: ${name}`);
  process.exitCode = unlisted.length > 0 ? 1 : 0;
}
