/** The tables in the documents say what the code says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { printDocuments } from '../../tools/printed-documents.ts';

test.each(Object.entries(printDocuments()))(
  '%s is as the code prints it (else: npm run docs)',
  (path, text) => {
    expect(readFileSync(join(__dirname, '../..', path), 'utf8')).toBe(text);
  },
);
