// Completes package-lock.json with the optional binaries of platforms that the registry in use does not offer.
//
// npm leaves such a package out of the lockfile, and `npm ci` then refuses the lockfile everywhere ("Missing: …-darwin-arm64
// from lock file"). An entry with version, platform and no address mends it: npm skips it on other platforms and
// fetches it from its own registry on the platform that it names. Without the network there is no checksum to add.
//
//   node tools/complete-lockfile.mjs            after each change of dependencies; changes nothing when run twice
//   node tools/complete-lockfile.mjs --check    fails if an entry is missing or an entry holds an address
import { readFileSync, writeFileSync } from 'node:fs';
import { argv, exit, stderr, stdout } from 'node:process';
import { fileURLToPath } from 'node:url';

const systems = 'aix|android|darwin|freebsd|linux|openharmony|sunos|win32';
const processors = 'arm|arm64|ia32|loong64|ppc64|riscv64|s390x|x64';
const platform = new RegExp(`[-/](${systems})-(${processors})(?:-(musl|gnu|glibc)?[a-z]*)?$`);
const libraries = { gnu: 'glibc', glibc: 'glibc', musl: 'musl' };

/** The platform that a binary's name ends in, as npm writes it: `…-linux-x64-musl` is linux, x64, musl. */
function platformOf(name) {
  const match = platform.exec(name);
  if (match === null)
    throw new Error(`${name} names no known platform: add it to package-lock.json by hand.`);
  const [, os, cpu, abi] = match;
  return { cpu: [cpu], ...(os === 'linux' && abi && { libc: [libraries[abi]] }), os: [os] };
}

/** Where Node.js would find `name` for the package at `from`: the nearest folder that has it, or undefined. */
function find(packages, from, name) {
  for (
    let folder = from;
    ;
    folder = folder.slice(0, Math.max(folder.lastIndexOf('/node_modules/'), 0))
  ) {
    const path = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`;
    if (packages[path] !== undefined) return path;
    if (folder === '') return undefined;
  }
}

/** The entries that the lockfile lacks, by path. Optional binaries are pinned exactly by the package that names them. */
function missingEntries(packages) {
  const missing = {};
  for (const [from, { optionalDependencies = {}, dev, devOptional }] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      const known = { ...packages, ...missing };
      const found = find(known, from, name);
      if (found !== undefined && (known[found].version === version || !/^\d/.test(version)))
        continue;
      if (!/^\d+\.\d+\.\d+\S*$/.test(version))
        throw new Error(`${from} asks for ${name}@${version}: not an exact version.`);
      const path = found === undefined ? `node_modules/${name}` : `${from}/node_modules/${name}`;
      const entry = { dev, devOptional, optional: true, ...platformOf(name) };
      // In npm's own order, so that its next change moves no lines.
      missing[path] = { version, ...Object.fromEntries(Object.entries(entry).sort()) };
    }
  }
  return missing;
}

/** Paths whose entry holds an address; each machine has its own registry. */
function addressedEntries(packages) {
  return Object.keys(packages).filter(
    (path) => packages[path].resolved !== undefined && !packages[path].link,
  );
}

const file = fileURLToPath(new URL('../package-lock.json', import.meta.url));
const lockfile = JSON.parse(readFileSync(file, 'utf8'));
const missing = missingEntries(lockfile.packages);
const addressed = addressedEntries(lockfile.packages);

if (argv[2] === '--check') {
  for (const path of Object.keys(missing)) stderr.write(`package-lock.json lacks ${path}\n`);
  for (const path of addressed) stderr.write(`package-lock.json holds an address for ${path}\n`);
  if (Object.keys(missing).length + addressed.length > 0) {
    stderr.write('Next: node tools/complete-lockfile.mjs\n');
    exit(1);
  }
} else {
  const packages = { ...lockfile.packages, ...missing };
  for (const path of addressed) delete packages[path].resolved;
  const sorted = Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, 'en'));
  writeFileSync(
    file,
    `${JSON.stringify({ ...lockfile, packages: Object.fromEntries(sorted) }, undefined, 2)}\n`,
  );
  stdout.write(
    `package-lock.json: ${Object.keys(missing).length} entries added, ${addressed.length} addresses removed\n`,
  );
}
