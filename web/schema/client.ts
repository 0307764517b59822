// A storefront's client in TypeScript, as far as its types go: `npm run types` compiles it against the generated
// operations and never runs it. Each @ts-expect-error fails the check if what it stands on becomes legal.
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';
import { CustomerOverviewDocument, OverviewDocument, PayDocument, SaveExposureDocument } from './generated/operations.js';

type Answer<Data> = { data?: Data | null; errors?: { message: string; extensions: { code: string } }[] };

// call sends one operation; its variables and its answer have the types of the document.
export async function call<Data, Variables>(endpoint: string, key: string, document: TypedDocumentNode<Data, Variables>, variables: Variables): Promise<Data> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { accept: 'application/graphql-response+json', authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query: print(document), variables }),
  });
  const answer = (await response.json()) as Answer<Data>;
  if (answer.errors?.[0] || !answer.data) throw new Error(answer.errors?.[0]?.extensions.code ?? response.statusText);
  return answer.data;
}

// payFirst pays a customer's first payable order and says what is left: an exact decimal, hence a string.
export async function payFirst(endpoint: string, key: string, customerId: string, idempotencyKey: string): Promise<string | undefined> {
  const { customer } = await call(endpoint, key, CustomerOverviewDocument, { id: customerId, first: 50 });
  const order = customer?.orders.nodes.find((each) => each.status === 'PENDING_PAYMENT');
  if (!order) return undefined;
  const since: string = order.createdAt;
  const due: string | null = order.payBy;
  console.log(since, due, order.items.map((item) => item.amount.amount.padStart(12)));
  const { payOrder } = await call(endpoint, key, PayDocument, { orderId: order.id, key: idempotencyKey });
  return payOrder.balance.available.amount;
}

export async function refused(endpoint: string, key: string): Promise<void> {
  const { viewer } = await call(endpoint, key, OverviewDocument, {});
  const amount = viewer.partner?.balance?.available.amount ?? '0';
  // @ts-expect-error A decimal is no number: it would round.
  const asNumber: number = amount;
  // @ts-expect-error Nobody has this kind.
  const nobody = viewer.kind === 'PARTNER';
  // @ts-expect-error A partner may be null: operators have none.
  const name = viewer.partner.name;
  // @ts-expect-error An order is paid with an idempotency key.
  await call(endpoint, key, PayDocument, { orderId: 'ord_1' });
  // @ts-expect-error A configuration is some partner's.
  await call(endpoint, key, SaveExposureDocument, { input: { orderPaidUrl: 'https://shop.example/paid' } });
  console.log(asNumber, nobody, name);
}
