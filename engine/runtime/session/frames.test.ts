import { PassThrough, Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { contentHash } from '../../../base/files/hash.js';
import { Rng } from '../../../base/random/rng.js';
import { type Frame, readFrames, writeFrame } from './frames.js';

test('frames arrive whole and in order, wherever the pipe cuts them', () => {
  for (let seed = 0; seed < 20; seed++) {
    const random = Rng.of(seed, 'frames');
    const sent = Array.from({ length: 6 }, (_, id) => ({
      // A line break in a string must not end the header.
      header: { id, text: 'a\nb "ü"' },
      parts: Array.from({ length: random.integer(4) }, () =>
        // Bytes of any value, line breaks too; now and then more than a pipe holds.
        Uint8Array.from({ length: random.integer(4) * random.integer(60_000) }, (_, i) => i * 7),
      ),
    }));
    const chunks: Buffer[] = [];
    const wire = new Writable({
      write(chunk: Buffer, _encoding, done) {
        chunks.push(chunk);
        done();
      },
    });
    for (const { header, parts } of sent) writeFrame(wire, header, parts);
    const bytes = Buffer.concat(chunks);
    const received: Frame[] = [];
    const pipe = new PassThrough();
    readFrames(pipe, { receive: (frame) => received.push(frame), noise: expect.fail, fail: expect.fail });
    for (let at = 0; at < bytes.length; ) {
      const length = 1 + random.integer(random.integer(2) === 0 ? 20 : 80_000);
      pipe.emit('data', bytes.subarray(at, at + length));
      at += length;
    }
    // By hash: comparing megabytes element by element takes long.
    const plain = (frames: typeof sent | Frame[]) =>
      frames.map(({ header, parts }) => [header.id, header.text, ...parts.map((part) => contentHash(part))]);
    expect(plain(received), `seed ${seed}`).toEqual(plain(sent));
  }
});

test('what others print between messages is passed over; what is no message ends the reading', () => {
  const heard = (...texts: string[]) => {
    const [frames, lines, reasons]: [unknown[], string[], string[]] = [[], [], []];
    const pipe = new PassThrough();
    readFrames(pipe, {
      receive: ({ header }) => frames.push(header.id),
      noise: (text) => lines.push(text),
      fail: (reason) => reasons.push(reason),
    });
    for (const text of texts) pipe.emit('data', Buffer.from(text));
    return { frames, lines, reasons };
  };
  const message = (id: number) => `sparoa-gym:{"id":${id},"bytes":[]}\n`;
  expect(heard('hello\n', message(1), `no line break${message(2)}`, '\n', message(3))).toEqual({
    frames: [1, 2, 3],
    lines: ['hello\n', 'no line break', '\n'],
    reasons: [],
  });
  for (const header of [
    '{',
    '[]',
    'null',
    '{}',
    '{"bytes":[-1]}',
    '{"bytes":[1.5]}',
    '{"bytes":{}}',
    '{"bytes":[1e300]}',
  ])
    expect(heard(`sparoa-gym:${header}\n`, message(1))).toMatchObject({
      frames: [],
      reasons: [expect.stringMatching(/^a message without a header/)],
    });
  const page = 'y'.repeat(4096);
  const [lines, line] = [`${page}\n`, page].map((text) => heard(...Array.from({ length: 400 }, () => text)).reasons);
  expect([lines, line]).toEqual([['endless text and no message'], ['an endless line']]);
});
