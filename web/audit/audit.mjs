// Runs every server audit of graphql-http against the URL given and prints those that fail. Exits with 1 unless all
// pass, with 2 when it cannot run.
//
//   node audit.mjs http://127.0.0.1:8080/graphql
//
// Some audits use __type, so the server must have introspection on.
import { serverAudits } from 'graphql-http';

const url = process.argv[2];
if (!url) {
  console.error('usage: node audit.mjs URL');
  process.exit(2);
}

let passed = 0;
const audits = serverAudits({ url });
for (const audit of audits) {
  const result = await audit.fn();
  if (result.status === 'ok') {
    passed++;
    continue;
  }
  const answer = result.response;
  console.log(`${result.status} ${result.id} ${result.name}: ${result.reason} (HTTP ${answer?.status})`);
}
console.log(`${passed}/${audits.length} audits passed`);
process.exit(audits.length > 0 && passed === audits.length ? 0 : 1);
