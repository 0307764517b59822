// Writes generated/operations.ts: typed documents for the storefront example's operations, as a client written in
// TypeScript would generate them from the schema.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { codegen } from '@graphql-codegen/core';
import * as documents from '@graphql-codegen/typed-document-node';
import * as operations from '@graphql-codegen/typescript-operations';
import { concatAST, parse } from 'graphql';

const schemaDir = new URL('../../graph/', import.meta.url);
const schemaFiles = readdirSync(schemaDir).filter((name) => name.endsWith('.graphqls')).sort();
const schema = concatAST(schemaFiles.map((name) => parse(readFileSync(new URL(name, schemaDir), 'utf8'))));

const location = new URL('../../examples/storefront/client/operations.graphql', import.meta.url);
const document = parse(readFileSync(location, 'utf8'));

const config = {
  // What is on the wire: exact decimals and instants are strings, and nothing else may stand for them.
  scalars: { ID: 'string', Decimal: 'string', DateTime: 'string', Date: 'string', BillingCycle: 'string' },
  strictScalars: true,
  immutableTypes: true,
  useTypeImports: true,
};

const filename = new URL('generated/operations.ts', import.meta.url);
const text = await codegen({
  schema,
  documents: [{ location: location.pathname, document }],
  filename: filename.pathname,
  config,
  plugins: [{ operations: {} }, { documents: {} }],
  pluginMap: { operations, documents },
});
mkdirSync(new URL('.', filename), { recursive: true });
writeFileSync(filename, text);
