import { renderPrompt } from './render-prompt.ts';

test.each([
  ['Bump {{lib}} in {{ repository }}', { lib: 'zod' }, 'Bump zod in /r', []],
  [
    '{{lib}} {{lib}}',
    { lib: '{{repository}} $1 $&' },
    '{{repository}} $1 $& {{repository}} $1 $&',
    [],
  ],
  ['{{repository}}', { repository: 'mine' }, 'mine', []],
  [
    '{{lib}} and {{other}} and {{other}}',
    { lib: 'zod' },
    'zod and {{other}} and {{other}}',
    ['other'],
  ],
  ['{{constructor}}', { lib: 'zod' }, '{{constructor}}', ['constructor']],
  ['<p>{{ user }}</p>', {}, '<p>{{ user }}</p>', []],
])('%j with %j is %j', (template, variables, prompt, unknown) => {
  expect(renderPrompt(template, variables, '/r')).toEqual({ prompt, unknown });
});
