// Functions of an object that are computed once.

/** `compute`, whose value for an object is kept for as long as the object itself; it must not depend on anything that changes. */
export function memoize<Key extends object, Value>(compute: (key: Key) => Value): (key: Key) => Value {
  const values = new WeakMap<Key, { readonly value: Value }>();
  return (key) => {
    let known = values.get(key);
    if (!known) {
      known = { value: compute(key) };
      values.set(key, known);
    }
    return known.value;
  };
}
