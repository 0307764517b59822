import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildSchema } from 'graphql';
import { breakingChanges, unannounced } from './changes.mjs';

const earlier = `
  directive @auth(permission: Permission!) on FIELD_DEFINITION
  enum Permission { READ WRITE }
  enum Status { OPEN DONE }
  type Order { id: ID! number: String! status: Status }
  input PayInput { orderId: ID! note: String }
  type Query { order(id: ID!, number: String): Order @auth(permission: READ) orders: [Order!]! }
  type Mutation { pay(input: PayInput!): Order }
`;

const cases = [
  ['a field that went away', 'number: String! status', 'status', ['Order.number']],
  ['a field that may be null now', 'number: String!', 'number: String', ['Order.number']],
  ['an enum value that went away', 'OPEN DONE', 'OPEN', ['Status.DONE']],
  ['an argument that went away', ', number: String)', ')', ['Query.order.number']],
  ['an input field that is required now', 'note: String', 'note: String!', ['PayInput.note']],
  ['another permission', 'order(id: ID!, number: String): Order @auth(permission: READ)', 'order(id: ID!, number: String): Order @auth(permission: WRITE)', ['Query.order']],
  ['a permission where there was none', 'orders: [Order!]!', 'orders: [Order!]! @auth(permission: READ)', ['Query.orders']],
  ['a new field', 'number: String!', 'number: String! total: Int', []],
  ['a new field with a permission', 'orders: [Order!]!', 'orders: [Order!]! things: Int @auth(permission: READ)', []],
  ['a new optional argument', 'order(id: ID!,', 'order(id: ID!, at: Int,', []],
];

for (const [name, from, to, want] of cases) {
  test(name, async () => {
    assert.ok(earlier.includes(from));
    const changes = await breakingChanges(buildSchema(earlier), buildSchema(earlier.replace(from, to)));
    assert.deepEqual([...new Set(changes.map(({ coordinate }) => coordinate))], want);
  });
}

const changelog = (unreleased) => `# Changelog\n\n## [Unreleased]\n\n${unreleased}\n\n## [0.1.0]\n\n- BREAKING: Order.old: gone.\n`;
const change = (coordinate) => [{ coordinate, message: '' }];

const announcements = [
  ['names the field', '- BREAKING: Order.number: use Order.id.', 'Order.number', true],
  ['in code style', '- BREAKING: `Order.number` is gone.', 'Order.number', true],
  ['at the end of a sentence', '- BREAKING: removed Order.number.', 'Order.number', true],
  ['without the word', '- Order.number is gone.', 'Order.number', false],
  ['names a longer field', '- BREAKING: Order.numberOfItems', 'Order.number', false],
  ['names a member of the type', '- BREAKING: Order.number', 'Order', false],
  ['in an earlier release', '', 'Order.old', false],
];

for (const [name, text, coordinate, announced] of announcements) {
  test(`a changelog that ${name}`, () => {
    assert.deepEqual(unannounced(change(coordinate), changelog(text)), announced ? [] : [coordinate]);
  });
}
