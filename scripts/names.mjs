// File names say what is inside. Names that say nothing are refused, and so are files that only describe a change or a plan.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './report.mjs';

const SAYS_NOTHING = /(^|-)(utils?|helpers?|common|manager|base|impl|misc|types|stuff)(\.test|\.prop\.test)?\.(ts|mjs)$/;
const STATUS_FILE = /^(todo|handoff|summary|checklist|complete|status|progress|notes|changelog|agents|contributing)\.md$/i;
const SKIPPED = new Set(['node_modules', 'dist', '.git', '.cache', '.tools', 'generated']);

/** Returns one line for each file or folder below `folder` with a name that is refused. @param {string} [folder] */
export function nameProblems(folder = root) {
  const problems = [];
  const walk = (path) => {
    for (const entry of readdirSync(join(folder, path), { withFileTypes: true })) {
      if (SKIPPED.has(entry.name)) continue;
      const at = join(path, entry.name);
      if (entry.isDirectory()) {
        if (SAYS_NOTHING.test(`${entry.name}.ts`)) problems.push(`${at}/: name the folder after what it holds`);
        walk(at);
      } else if (SAYS_NOTHING.test(entry.name)) problems.push(`${at}: name the file after what it exports`);
      else if (STATUS_FILE.test(entry.name)) problems.push(`${at}: status belongs in commits, truth in specs and tests`);
    }
  };
  walk('.');
  return problems.toSorted((a, b) => (a < b ? -1 : 1));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const problems = nameProblems();
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
