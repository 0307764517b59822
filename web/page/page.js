// Starts GraphiQL. All that differs from page to page is in the data-
// attributes of its element, so the policy needs no inline script.
(function () {
  'use strict';
  const root = document.getElementById('graphiql');
  const endpoint = new URL(root.dataset.endpoint, location.href).href;

  if (!window.React || !window.ReactDOM || !window.GraphiQL) {
    root.className = 'graphiql-failed';
    root.textContent = 'GraphiQL could not be loaded. The API itself answers at ' + endpoint + '.';
    return;
  }

  // An untouched example key is no credential: without it the session's
  // cookie says who is asking.
  function usable(headers) {
    const kept = {};
    for (const [name, value] of Object.entries(headers || {})) {
      if (value && !String(value).includes(root.dataset.placeholderKey)) kept[name] = value;
    }
    return kept;
  }

  function isSubscription(document, operationName) {
    return (document ? document.definitions : []).some(function (d) {
      return d.kind === 'OperationDefinition' && d.operation === 'subscription' &&
        (!operationName || !d.name || d.name.value === operationName);
    });
  }

  function post(params, headers, accept, signal) {
    return fetch(endpoint, {
      method: 'POST',
      credentials: 'same-origin',
      headers: Object.assign({ 'Content-Type': 'application/json', Accept: accept }, usable(headers)),
      body: JSON.stringify(params),
      signal: signal,
    });
  }

  async function once(params, headers) {
    const answer = await post(params, headers, 'application/graphql-response+json, application/json;q=0.9');
    const text = await answer.text();
    try {
      return JSON.parse(text);
    } catch (_) {
      return { status: answer.status, statusText: answer.statusText, body: text };
    }
  }

  // Reads graphql-sse's "distinct connections" stream: blocks of event and
  // data lines, each ended by an empty line, until "complete".
  async function* stream(params, headers) {
    const stop = new AbortController();
    try {
      const answer = await post(params, headers, 'text/event-stream', stop.signal);
      if (!(answer.headers.get('Content-Type') || '').startsWith('text/event-stream')) {
        yield await answer.json();
        return;
      }
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let pending = ''; ;) {
        const { value, done } = await reader.read();
        if (done) return;
        const blocks = (pending + value).replace(/\r\n/g, '\n').split('\n\n');
        pending = blocks.pop();
        for (const block of blocks) {
          let event = 'message', data = '';
          for (const line of block.split('\n')) {
            if (line.startsWith('event:')) event = line.slice(6).trim();
            if (line.startsWith('data:')) data += line.slice(5).trim();
          }
          if (event === 'complete') return;
          if (event === 'next' && data) yield JSON.parse(data);
        }
      }
    } finally {
      stop.abort();
    }
  }

  function fetcher(params, opts) {
    const subscribe = isSubscription(opts && opts.documentAST, params.operationName);
    return (subscribe ? stream : once)(params, opts && opts.headers);
  }

  const headers = JSON.stringify({ Authorization: 'Bearer ' + root.dataset.placeholderKey }, null, 2);
  const tabs = JSON.parse(root.dataset.examples).map(function (e) {
    return { query: e.query, variables: e.variables || undefined, headers: headers };
  });

  root.textContent = '';
  window.ReactDOM.createRoot(root).render(window.React.createElement(window.GraphiQL, {
    fetcher: fetcher,
    defaultTabs: tabs,
    defaultHeaders: headers,
    defaultEditorToolsVisibility: 'headers',
    isHeadersEditorEnabled: true,
    inputValueDeprecation: true,
  }));
})();
