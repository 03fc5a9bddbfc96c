import { isAllowed, readAuthority, readPlainUrl } from './allowed-hosts.ts';

const list = ['packages.example.com', '*.cdn.example.net', 'plain.example.com:80', 'a.xn--p1ai'];

/** What a CONNECT with these words may do. */
const mayConnect = (text: string): boolean => {
  const asked = readAuthority(text);
  return asked !== undefined && isAllowed(list, asked);
};
const mayRequest = (text: string): boolean => {
  const asked = readPlainUrl(text);
  return asked !== undefined && isAllowed(list, asked);
};

test.each([
  'packages.example.com:443',
  'PACKAGES.Example.COM:443',
  'a.cdn.example.net:443',
  'b.a.cdn.example.net:443',
  'plain.example.com:80',
  'a.xn--p1ai:443',
])('CONNECT %s is allowed', (text) => {
  expect(mayConnect(text)).toBe(true);
});

/** Tricks that have passed the lists of others, and their like. */
const notAuthorities = [
  ['another host', 'evil.example.com:443'],
  ['another port', 'packages.example.com:22'],
  ['no port', 'packages.example.com'],
  ['an empty port', 'packages.example.com:'],
  ['port 0', 'packages.example.com:0'],
  ['a port too large', 'packages.example.com:65979'],
  ['a port with a sign', 'packages.example.com:+443'],
  ['a port with spaces', 'packages.example.com: 443'],
  ['two ports', 'packages.example.com:443:443'],
  ['a path', 'packages.example.com:443/x'],
  ['a path before the port', 'evil.example/packages.example.com:443'],
  ['a dot at the end', 'packages.example.com.:443'],
  ['a dot in front', '.packages.example.com:443'],
  ['two dots', 'packages..example.com:443'],
  ['a NUL byte', 'evil.example\0.cdn.example.net:443'],
  ['a newline', 'packages.example.com\n:443'],
  ['a user', 'packages.example.com@evil.example:443'],
  ['a user with a colon', 'packages.example.com:443@evil.example:443'],
  ['a percent sign', '%70ackages.example.com:443'],
  ['a wide letter', 'ｐackages.example.com:443'],
  ['a Kelvin sign', 'pac\u212Aages.example.com:443'],
  ['a wide dot', 'packages。example.com:443'],
  ['an underscore', 'x_y.cdn.example.net:443'],
  ['a star', '*.cdn.example.net:443'],
  ['the domain of a star', 'cdn.example.net:443'],
  ['a name that only ends like it', 'evilcdn.example.net:443'],
  ['a longer name', 'packages.example.com.evil.example:443'],
  ['the unicode of a listed name', 'a.рф:443'],
  ['an address', '1.1.1.1:443'],
  ['a decimal address', '2130706433:443'],
  ['an octal address', '0177.0.0.1:443'],
  ['a hexadecimal address', '0x7f000001:443'],
  ['a hexadecimal part', '127.0.0.0x1:443'],
  ['a short address', '127.1:443'],
  ['an IPv6 address', '[::1]:443'],
  ['a mapped address', '[::ffff:1.1.1.1]:443'],
  ['an IPv6 address without brackets', '::1:443'],
  ['localhost', 'localhost:443'],
  ['a single label', 'packages:443'],
  ['a URL', 'https://packages.example.com:443'],
  ['a label too long', `${'a'.repeat(64)}.cdn.example.net:443`],
  ['a name too long', `${'a.'.repeat(130)}cdn.example.net:443`],
  ['nothing', ''],
] as const;

test.each(notAuthorities)('CONNECT to %s is not', (_name, text) => {
  expect(mayConnect(text)).toBe(false);
});

test.each([
  ['http://plain.example.com/x?y=1', '/x?y=1'],
  ['HTTP://plain.example.com', '/'],
  ['http://plain.example.com:80?q', '/?q'],
])('a request for %s is allowed', (text, path) => {
  expect(mayRequest(text)).toBe(true);
  expect(readPlainUrl(text)?.path).toBe(path);
});

test.each([
  'http://packages.example.com/',
  'http://evil.example/',
  'https://plain.example.com/',
  'ftp://plain.example.com/',
  'file:///etc/passwd',
  'plain.example.com/',
  '/x',
  '//plain.example.com/',
  'http:plain.example.com/',
  'http:///plain.example.com/',
  'http:\\\\plain.example.com/',
  'http://plain.example.com\\@evil.example/',
  'http://plain.example.com@evil.example/',
  'http://user:pass@plain.example.com/',
  'http://plain.example.com#@evil.example/',
  'http://plain.example.com:8080/',
  'http://plain.example.com:80:81/',
  'http://plain.example.com./',
  'http://[::1]/',
  'http://2130706433/',
  'http://plain.example.com/a b',
])('a request for %s is not', (text) => {
  expect(mayRequest(text)).toBe(false);
});
