// What breaks clients, and whether the changelog says so.
import { CriticalityLevel, diff } from '@graphql-inspector/core';

// The breaking changes between two schemas, each with the coordinate that a changelog entry has to name, such as
// Order.number. Another permission on a field that was there counts: callers who had the field lose it.
export async function breakingChanges(earlier, now) {
  const changes = await diff(earlier, now);
  return changes
    .filter((change) => change.criticality.level === CriticalityLevel.Breaking || narrowsAccess(change, earlier))
    .map(({ path, message }) => ({ coordinate: coordinateOf(path), message }));
}

function narrowsAccess({ type, path = '' }, earlier) {
  if (!/^DIRECTIVE_USAGE_.*(ADDED|CHANGED)$/.test(type) || !/\.@auth\b/.test(path)) return false;
  const [parent, field] = coordinateOf(path).split('.');
  return earlier.getType(parent)?.getFields?.()[field] !== undefined;
}

// The member that a change is about: the directive that a path ends in says what happened to it, not what it is.
function coordinateOf(path = '') {
  return path.replace(/\.@.*$/, '');
}

// The coordinates that no BREAKING line of the Unreleased section names, each once.
export function unannounced(changes, changelog) {
  const [, unreleased = ''] = changelog.match(/^## \[Unreleased\][^\n]*\n([\s\S]*?)(?=^## |(?![\s\S]))/m) ?? [];
  const lines = unreleased.split('\n').filter((line) => /\bBREAKING\b/.test(line));
  const coordinates = [...new Set(changes.map(({ coordinate }) => coordinate))];
  return coordinates.filter((coordinate) => !lines.some((line) => names(line, coordinate)));
}

// Whether a line names the coordinate itself: one that names Order.number does not name Order, nor Order.numberOfItems.
function names(line, coordinate) {
  const literal = coordinate.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`(?<![\\w.@])${literal}(?![\\w(]|\\.\\w)`).test(line);
}
