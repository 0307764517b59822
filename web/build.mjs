// Copies the files that assets.json names from node_modules into dist/, after
// checking that each is the very file whose digest is written there. The same
// digests guard the CDN fallback (subresource integrity), so both ways of
// loading GraphiQL run the same bytes.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const root = new URL('./', import.meta.url);
const assets = JSON.parse(readFileSync(new URL('assets.json', root), 'utf8'));

mkdirSync(new URL('dist/', root), { recursive: true });
const notices = [];
const seen = new Set();
for (const { file, package: pkg, version, path, integrity } of assets) {
  const bytes = readFileSync(new URL(`node_modules/${pkg}/${path}`, root));
  const found = 'sha384-' + createHash('sha384').update(bytes).digest('base64');
  if (found !== integrity) {
    console.error(`${pkg}@${version}/${path}: want ${integrity}, found ${found}`);
    process.exit(1);
  }
  writeFileSync(new URL(`dist/${file}`, root), bytes);
  console.log(`dist/${file}  ${bytes.length} bytes  ${pkg}@${version}`);
  // The licences ask that their text travels with the files.
  if (!seen.has(pkg)) {
    seen.add(pkg);
    const licence = readFileSync(new URL(`node_modules/${pkg}/LICENSE`, root), 'utf8');
    notices.push(`${pkg} ${version}\n\n${licence.trim()}\n`);
  }
}
writeFileSync(new URL('dist/LICENSES.txt', root), notices.join('\n---\n\n'));
