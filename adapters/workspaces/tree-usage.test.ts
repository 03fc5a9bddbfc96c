import { exceededBy, waitAfterLookMs } from './tree-usage.ts';

test('looks that are cheap come four times a second', () => {
  expect(waitAfterLookMs(0)).toBe(250);
  expect(waitAfterLookMs(12)).toBe(250);
});

test('looks that are dear come as rarely as takes a twentieth of a processor', () => {
  expect(waitAfterLookMs(50)).toBe(1_000);
});

test('no tree is above its bounds for long, however many processes there are', () => {
  expect(waitAfterLookMs(5_000)).toBe(2_000);
});

test('what has ended since it was looked at uses no memory', () => {
  // Numbers of processes end before.
  const ended = { pid: 4_194_305, parent: 4_194_304, threads: 1, residentBytes: 2_000 };
  const limits = { memoryBytes: 1_000, processes: 10, memoryFolders: [] };

  expect(exceededBy(ended.parent, new Map([[ended.parent, [ended]]]), limits)).toBeUndefined();
  expect(
    exceededBy(ended.parent, new Map([[ended.parent, [ended]]]), { ...limits, processes: 1 }),
  ).toBe('processes');
});
