import { createSseParser, readSse } from './sse.ts';
import type { SseMessage } from './sse.ts';

function parseIn(pieces: readonly string[]): SseMessage[] {
  const parser = createSseParser();
  return pieces.flatMap((piece) => parser.push(piece));
}

const stream =
  '\uFEFF: hello\r\nid: 1\r\nevent: item-ended\r\ndata: {"a":1}\r\n\r\nid: 2\rdata: x\rdata:  y\r\rdata\n\nretry: 5\n\n';
const expected = [
  { id: '1', event: 'item-ended', data: '{"a":1}' },
  { id: '2', event: 'message', data: 'x\n y' },
  { id: '2', event: 'message', data: '' },
];

it('reads messages with every kind of line end, comments and several data lines', () => {
  expect(parseIn([stream])).toEqual(expected);
});

it('reads the same messages however the text is cut', () => {
  for (let at = 0; at <= stream.length; at += 1) {
    expect(parseIn([stream.slice(0, at), stream.slice(at)])).toEqual(expected);
  }
  expect(parseIn(Array.from(stream))).toEqual(expected);
});

it('drops a message whose end never came', () => {
  expect(parseIn(['data: whole\n\ndata: half\n'])).toEqual([
    { id: '', event: 'message', data: 'whole' },
  ]);
});

it('reads letters that are cut between bytes', async () => {
  const bytes = new TextEncoder().encode('data: größe\n\n');
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (const byte of bytes) yield await Promise.resolve(Uint8Array.of(byte));
  }

  const messages: SseMessage[] = [];
  for await (const message of readSse(pieces())) messages.push(message);

  expect(messages).toEqual([{ id: '', event: 'message', data: 'größe' }]);
});
