/** Writes src/engine/console/page.ts: the files of the console's page as text, so that they travel inside a bundle. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Returns the text of the module for the files in a folder. */
export function pageModule(folder: string): string {
  const names = readdirSync(folder).sort();
  const entries = names.map((name) => {
    const lines = readFileSync(join(folder, name), 'utf8').trimEnd().split('\n');
    return `  '${name}': [\n${lines.map((line) => `    ${JSON.stringify(line)},\n`).join('')}  ].join('\\n'),\n`;
  });
  return `// Made of the files in page/ by "bun scripts/embed-page.ts": change those.\nexport const PAGE = {\n${entries.join('')}} as const;\n`;
}

if (import.meta.main) {
  const folder = join(import.meta.dirname, '..', 'src', 'engine', 'console');
  writeFileSync(join(folder, 'page.ts'), pageModule(join(folder, 'page')));
}
