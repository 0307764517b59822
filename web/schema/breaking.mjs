// Compares the committed schema (graph/schema.graphql) with that of the commit it grew from. Exits with 1 when something
// that a client may rely on went away and the changelog's Unreleased section does not name it.
//
//   node breaking.mjs            against the merge base with origin/main or main, on main itself the commit before
//   node breaking.mjs COMMIT     against that commit
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildSchema } from 'graphql';
import { breakingChanges, unannounced } from './changes.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const path = 'graph/schema.graphql';

// What git answers, or null when it has no answer.
function git(...args) {
  try {
    return execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return null;
  }
}

function earlierCommit() {
  const head = git('rev-parse', '--verify', 'HEAD');
  for (const branch of ['origin/main', 'main']) {
    const base = git('merge-base', branch, 'HEAD');
    if (base && base !== head) return base;
  }
  return git('rev-parse', '--verify', 'HEAD~');
}

const base = process.argv[2] ?? earlierCommit();
if (process.argv[2] && !git('rev-parse', '--verify', `${base}^{commit}`)) {
  console.error(`there is no commit ${base}`);
  process.exit(2);
}
const earlier = base && git('show', `${base}:${path}`);
if (!earlier) {
  console.log('There is no earlier version of the schema to compare with.');
  process.exit(0);
}

const changes = await breakingChanges(buildSchema(earlier), buildSchema(readFileSync(root + path, 'utf8')));
const silent = unannounced(changes, readFileSync(`${root}CHANGELOG.md`, 'utf8'));
for (const { coordinate, message } of changes) console.log(`breaking: ${coordinate}: ${message}`);
console.log(`${changes.length} breaking changes since ${base.slice(0, 12)}`);
if (silent.length > 0) {
  console.error('Keep what was there, or add to the Unreleased section of CHANGELOG.md what clients must do:');
  for (const coordinate of silent) console.error(`- BREAKING: ${coordinate}: ...`);
  process.exit(1);
}
