import type { CallRoute } from '../adapters/ports.ts';
import { orderRoutes } from './try-routes.ts';

const route = (name: string, access: 'subscription' | 'free' | 'api'): CallRoute =>
  ({ name, account: { access } }) as unknown as CallRoute;

const plan = route('plan:m', 'subscription');
const second = route('second:m', 'subscription');
const paid = route('paid:m', 'api');
const spare = route('spare:m', 'api');

test.each([
  ['none has answered yet', undefined, [plan, second, paid, spare]],
  ['one of the last has answered', 'spare:m', [plan, second, spare, paid]],
  ['one of the first has answered', 'second:m', [second, plan, paid, spare]],
  ['the one that answered is not there any more', 'gone:m', [plan, second, paid, spare]],
])('routes stand by access, and the last to answer before its equals: %s', (_, last, order) => {
  expect(orderRoutes([plan, second, paid, spare], last)).toEqual(order);
});
