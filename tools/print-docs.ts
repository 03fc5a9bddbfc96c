/** Writes the printed documents: `npm run docs`. */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { printDocuments } from './printed-documents.ts';

for (const [path, text] of Object.entries(printDocuments())) {
  await writeFile(fileURLToPath(new URL(`../${path}`, import.meta.url)), text);
}
